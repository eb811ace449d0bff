import type { AuthenticateClient } from '../clients/authenticate-client.ts'
import { hashSecret } from '../protocol/compare.ts'
import { parseCode } from '../protocol/identifiers.ts'
import type { Lifetimes } from '../protocol/lifetimes.ts'
import { findResource } from '../protocol/resource.ts'
import { type Client, isPublicClient } from '../records/client.ts'
import type { Step } from '../records/collection.ts'
import type { Grant } from '../records/grant.ts'
import type { Records } from '../records/records.ts'
import { type Judgement, type Redemption, redeemCode } from '../records/redeem-code.ts'
import type { GrantEnding } from '../tokens/end-grant.ts'
import { type IssueNeeds, issueTokens } from '../tokens/issue-tokens.ts'
import { type GrantHandler, refuseToken, requireClient, requireParameter } from './grant-handler.ts'

/** What both grant handlers need. */
export interface GrantHandlerNeeds extends IssueNeeds {
  readonly authenticateClient: AuthenticateClient
  readonly records: Pick<Records, 'clients' | 'grants' | 'lists'>
  readonly ending: GrantEnding
  readonly lifetimes: Lifetimes
  readonly resources: readonly string[]
  readonly refreshTokens: 'grant-type' | 'offline-access'
}

/** Serves `authorization_code` (RFC 6749 §4.1.3): one change of the grant spends the code, after every check. */
export function redeemCodeHandler(needs: GrantHandlerNeeds): GrantHandler {
  const { authenticateClient, records, ending, lifetimes, resources, environment, emit } = needs
  return async (request) => {
    const parts = parseCode(requireParameter(request, 'code'))
    const verifier = requireParameter(request, 'code_verifier')
    // The client and the grant do not depend on each other: one wait for both.
    const [client, seen] = await Promise.all([requireClient(authenticateClient, request), parts && records.grants.read(parts.grantId)])
    if (!parts || !seen) throw refuseToken('not_of_our_grammar')
    const { proof, values } = request
    const { redirect_uri: redirectUri, resource } = values
    const redemption = {
      clientId: client.id,
      codeHash: hashSecret(parts.secret),
      verifier,
      refreshes: refreshesOf(client, needs.refreshTokens),
      isPublic: isPublicClient(client),
      ...(proof && { proven: proof.thumbprint }),
      ...(redirectUri !== undefined && { redirectUri }),
      ...(resource !== undefined && { resource: findResource(resource, resources) ?? 'none of ours' }),
    }
    const step: Step<Grant, Judgement> = (grant, now) => redeemCode(grant, redemption, lifetimes, now)
    if (step(seen.record, environment.now()).answer.is === 'good') await proof?.use()
    const judgement = await records.grants.change(parts.grantId, step, seen)
    if (judgement.is === 'good') return issueTokens(needs, client, judgement.grant, judgement.grant.scopes, proof?.thumbprint)
    if (judgement.ended) {
      emit({ type: 'code.replayed', clientId: client.id, grantId: parts.grantId })
      ending.ended(judgement.ended, 'code_replayed')
    }
    throw refuseToken(judgement.reason)
  }
}

/** A client that did not register for them gets refresh tokens by asking for `offline_access`, unless the policy wants both (SEP-2207). */
export function refreshesOf({ grantTypes }: Client, policy: GrantHandlerNeeds['refreshTokens']): Redemption['refreshes'] {
  const registered = grantTypes.includes('refresh_token')
  if (policy === 'offline-access') return registered ? 'offline-access' : 'never'
  return registered ? 'always' : 'offline-access'
}
