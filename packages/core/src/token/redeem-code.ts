import type { AuthenticateClient } from '../clients/authenticate-client.ts'
import { hashSecret } from '../protocol/compare.ts'
import { parseCode } from '../protocol/identifiers.ts'
import type { Lifetimes } from '../protocol/lifetimes.ts'
import { findResource } from '../protocol/resource.ts'
import type { Client } from '../records/client.ts'
import type { Records } from '../records/records.ts'
import { type Redemption, redeemCode } from '../records/redeem-code.ts'
import type { GrantEnding } from '../tokens/end-grant.ts'
import { type IssueNeeds, issueTokens } from '../tokens/issue-tokens.ts'
import { type GrantHandler, refuseToken, requireParameter } from './grant-handler.ts'

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
  const { authenticateClient, records, ending, lifetimes, resources, emit } = needs
  return async (request) => {
    const parts = parseCode(requireParameter(request, 'code'))
    const verifier = requireParameter(request, 'code_verifier')
    // The client and the grant do not depend on each other: one wait for both.
    const [client, seen] = await Promise.all([authenticateClient(request.client), parts && records.grants.read(parts.grantId)])
    if (!parts) throw refuseToken('not_of_our_grammar')
    const { redirect_uri: redirectUri, resource } = request.values
    const redemption = {
      clientId: client.id,
      codeHash: hashSecret(parts.secret),
      verifier,
      refreshes: refreshesOf(client, needs.refreshTokens),
      ...(redirectUri !== undefined && { redirectUri }),
      ...(resource !== undefined && { resource: findResource(resource, resources) ?? 'none of ours' }),
    }
    const judgement = await records.grants.change(parts.grantId, (grant, now) => redeemCode(grant, redemption, lifetimes, now), seen)
    if (judgement.is === 'good') return issueTokens(needs, client, judgement.grant)
    if (judgement.ended) {
      emit({ type: 'code.replayed', clientId: client.id, grantId: parts.grantId })
      ending.ended(judgement.ended, 'code_replayed')
    }
    throw refuseToken(judgement.reason)
  }
}

// A client that did not register for them gets refresh tokens by asking for `offline_access`, unless the policy wants both (SEP-2207).
function refreshesOf({ grantTypes }: Client, policy: GrantHandlerNeeds['refreshTokens']): Redemption['refreshes'] {
  const registered = grantTypes.includes('refresh_token')
  if (policy === 'offline-access') return registered ? 'offline-access' : 'never'
  return registered ? 'always' : 'offline-access'
}
