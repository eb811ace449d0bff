import type { Environment } from '../ports/environment.ts'
import { invalidScope } from '../protocol/errors.ts'
import { parseRefreshToken } from '../protocol/identifiers.ts'
import { findResource } from '../protocol/resource.ts'
import { coversScopes, narrowScopes, parseScope, resourceScopes } from '../protocol/scope.ts'
import type { ExpandScopes } from '../protocol/scope-hierarchy.ts'
import { type Client, isPublicClient } from '../records/client.ts'
import type { Step } from '../records/collection.ts'
import type { Grant } from '../records/grant.ts'
import type { Judgement } from '../records/redeem-code.ts'
import { rotateRefreshToken } from '../records/rotate-refresh-token.ts'
import type { DpopPolicy, Proof } from '../tokens/dpop-proofs.ts'
import { issueTokens } from '../tokens/issue-tokens.ts'
import { isOfListedProvider } from '../tokens/listed-provider.ts'
import type { UpstreamTokensKeeper } from '../tokens/upstream-tokens.ts'
import type { UpstreamClientOf } from '../upstream/upstreams.ts'
import { type GrantHandler, refuseToken, requireClient, requireParameter, type TokenRequest } from './grant-handler.ts'
import type { GrantHandlerNeeds } from './redeem-code.ts'

/** What refreshing needs beside. */
export interface RotateNeeds extends GrantHandlerNeeds {
  readonly keeper: UpstreamTokensKeeper
  readonly clientOf: UpstreamClientOf<never>
  readonly validScopes: readonly string[]
  readonly dpop: DpopPolicy | undefined
  readonly expandScopes: ExpandScopes
  readonly environment: Environment
}

/**
 * Serves `refresh_token` (RFC 6749 §6). Upstream tokens that are due are refreshed first, and only for a request that is good:
 * the step is pure, so it can be asked beforehand.
 */
export function rotateRefreshTokenHandler(needs: RotateNeeds): GrantHandler {
  const { authenticateClient, records, keeper, ending, lifetimes, resources, expandScopes, environment, emit } = needs
  return async (request) => {
    const parts = parseRefreshToken(requireParameter(request, 'refresh_token'))
    const scopes = parseAskedScopes(request, needs)
    const [client, seen] = await Promise.all([requireClient(authenticateClient, request), parts && records.grants.read(parts.grantId)])
    if (!parts || !seen) throw refuseToken('not_of_our_grammar')
    const { proof, values } = request
    const { resource } = values
    const rotation = {
      clientId: client.id,
      generation: parts.generation,
      mac: parts.mac,
      boundOnly: isPublicClient(client) && (needs.dpop?.required || client.bindsTokens) === true,
      ...(proof && { proven: proof.thumbprint }),
      ...(scopes && { isCovered: (granted: readonly string[]) => coversScopes(expandScopes(granted), resourceScopes(scopes)) }),
      ...(resource !== undefined && { resource: findResource(resource, resources) ?? 'none of ours' }),
    }
    const step: Step<Grant, Judgement> = (grant, now) => rotateRefreshToken(grant, rotation, lifetimes, now)
    const isGood = step(seen.record, environment.now()).answer.is === 'good'
    if (isGood && !isOfListedProvider(needs.clientOf, seen.record, environment.now())) throw refuseToken('provider_unknown')
    if (isGood) await proof?.use()
    const judgement = await (isGood ? keeper.changeFresh(parts.grantId, step, seen) : records.grants.change(parts.grantId, step, seen))
    if (judgement.is === 'good') {
      const { grant } = judgement
      return issueTokens(needs, client, grant, scopes && narrowScopes(scopes, expandScopes(grant.scopes)), keyOf(client, grant, proof))
    }
    const isReplay = judgement.reason === 'refresh_token_replayed'
    if (isReplay) emit({ type: 'refresh.replayed', clientId: client.id, grantId: parts.grantId })
    if (judgement.ended) ending.ended(judgement.ended, isReplay ? 'refresh_replayed' : judgement.reason)
    throw refuseToken(judgement.reason)
  }
}

// What proves a public client is the key that its grant was bound to from the start: a thief would bring a key of his own.
function keyOf(client: Client, { refresh }: Grant, proof: Proof | undefined): string | undefined {
  return isPublicClient(client) ? refresh.boundTo : proof?.thumbprint
}

// Some clients repeat in every refresh what they asked for at first. What authorize drops is dropped here too, so that it costs
// nobody a login; what there is and was not granted is refused by the step (RFC 6749 §6).
function parseAskedScopes({ values }: TokenRequest, { validScopes, expandScopes }: RotateNeeds): readonly string[] | undefined {
  if (values.scope === undefined) return undefined
  const scopes = parseScope(values.scope)
  if (!scopes) throw invalidScope('The parameter scope has characters that no scope has.', 'scope_malformed')
  const known = narrowScopes(scopes, expandScopes(validScopes))
  return resourceScopes(known).length > 0 ? known : undefined
}
