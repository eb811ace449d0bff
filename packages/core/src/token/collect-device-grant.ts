import { hashSecret } from '../protocol/compare.ts'
import { parseDeviceCode } from '../protocol/device-code.ts'
import { accessDenied, OAuthError } from '../protocol/errors.ts'
import { findResource } from '../protocol/resource.ts'
import { isPublicClient } from '../records/client.ts'
import { collectGrant } from '../records/collect-grant.ts'
import type { Step } from '../records/collection.ts'
import { type PollRefusal, pollDevice } from '../records/device.ts'
import type { Grant } from '../records/grant.ts'
import type { Records } from '../records/records.ts'
import type { Judgement } from '../records/redeem-code.ts'
import { issueTokens } from '../tokens/issue-tokens.ts'
import { type GrantHandler, refuseToken, requireClient, requireParameter } from './grant-handler.ts'
import { type GrantHandlerNeeds, refreshesOf } from './redeem-code.ts'

/** What serving a device needs. */
export interface CollectNeeds extends GrantHandlerNeeds {
  readonly records: GrantHandlerNeeds['records'] & Pick<Records, 'devices'>
}

/** Serves a device that asks whether its person has said yes (RFC 8628 §3.4, §3.5). */
export function collectDeviceGrantHandler(needs: CollectNeeds): GrantHandler {
  const { authenticateClient, records, lifetimes, resources, refreshTokens, environment } = needs
  return async (request) => {
    const parts = parseDeviceCode(requireParameter(request, 'device_code'))
    const [client, seen] = await Promise.all([requireClient(authenticateClient, request), parts && records.devices.read(parts.userCode)])
    if (!parts) throw refuseToken('not_of_our_grammar')
    const asking = { clientId: client.id, secretHash: hashSecret(parts.secret) }
    const poll = await records.devices.change(parts.userCode, (device, now) => pollDevice(device, asking, now), seen)
    if (poll.is === 'refused') throw refusePoll(poll.reason)
    const { proof, values } = request
    const redemption = {
      clientId: client.id,
      codeHash: poll.codeHash,
      verifier: poll.device.verifier,
      refreshes: refreshesOf(client, refreshTokens),
      isPublic: isPublicClient(client),
      ...(proof && { proven: proof.thumbprint }),
      ...(values.resource !== undefined && { resource: findResource(values.resource, resources) ?? 'none of ours' }),
    }
    const step: Step<Grant, Judgement> = (grant, now) => collectGrant(grant, redemption, lifetimes, now)
    const pending = await records.grants.read(poll.grantId)
    if (step(pending.record, environment.now()).answer.is === 'good') await proof?.use()
    const judgement = await records.grants.change(poll.grantId, step, pending)
    if (judgement.is === 'good') return issueTokens(needs, client, judgement.grant, judgement.grant.scopes, proof?.thumbprint)
    throw refuseToken(judgement.reason)
  }
}

function refusePoll(reason: PollRefusal): OAuthError {
  if (reason === 'authorization_pending') return new OAuthError(reason, 'The person has not answered yet.', { reason })
  if (reason === 'slow_down') return new OAuthError(reason, 'Ask less often: five seconds more between two questions.', { reason })
  if (reason === 'device_code_expired') return new OAuthError('expired_token', 'The device code has expired. Start again.', { reason })
  if (reason === 'device_denied') return accessDenied('The person, or the upstream, said no.', reason)
  return refuseToken(reason)
}
