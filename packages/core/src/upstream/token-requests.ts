import * as oauth from 'oauth4webapi'
import type { Environment } from '../ports/environment.ts'
import { UpstreamUnavailable } from '../ports/upstream.ts'
import { nonceOf } from '../protocol/pkce.ts'
import { upstreamScopes } from '../protocol/scope.ts'
import type { Seconds } from '../protocol/time.ts'
import { type AskedWith, type AskNeeds, openTokenRequests } from './ask-for-tokens.ts'
import type { AskedFor, UpstreamClient } from './calls.ts'
import type { Party } from './party.ts'
import { scopeCodec } from './scope-codec.ts'
import type { UpstreamFetch } from './upstream-fetch.ts'

/** What the requests to the token endpoint need. */
export interface TokenRequestNeeds extends AskNeeds {
  readonly callbackUrl: string
  /** What the operator requires, of the upstream too. */
  readonly requiredScopes: readonly string[]
  readonly call: UpstreamFetch
  readonly party: () => Promise<Party>
}

/** The requests to the token endpoint (RFC 6749 §4.1.3, §6 and §4.5). */
export function tokenRequests(needs: TokenRequestNeeds): Pick<UpstreamClient, 'exchangeCode' | 'refresh' | 'exchangeGrant'> {
  const { upstream, callbackUrl, call, party: open, environment } = needs
  const ask = openTokenRequests(needs)
  const asking = (asked: AskedFor): AskedWith => ({ call: sentSoon(call, environment), parameters: parametersOf(needs, asked) })
  return {
    async exchangeCode({ iss, ...answer }, state, verifier, asked) {
      const askedWith = asking(asked)
      const { endpoints, party } = await open()
      const [server, client] = party
      // An issuer that the provider does not name cannot be compared; the callback path and the state bind the answer.
      const isNamed = endpoints.issuer !== undefined && iss !== undefined
      const { tokens, ...heard } = await ask(async (options) => {
        const parameters = oauth.validateAuthResponse(server, client, new URLSearchParams({ ...answer, ...(isNamed && { iss }) }), state)
        const pkce = upstream.pkce ? verifier : oauth.nopkce
        const response = await oauth.authorizationCodeGrantRequest(...party, parameters, callbackUrl, pkce, options)
        return oauth.processAuthorizationCodeResponse(server, client, response)
      }, askedWith)
      return { tokens, evidence: { ...heard, nonce: nonceOf(verifier) } }
    },
    async refresh(refreshToken, asked) {
      const askedWith = { ...asking(asked), refreshes: true }
      const party = forRefreshes(await open())
      const { tokens } = await ask(async (options) => {
        const response = await oauth.refreshTokenGrantRequest(...party, refreshToken, options)
        return oauth.processRefreshTokenResponse(party[0], party[1], response)
      }, askedWith)
      return tokens
    },
    async exchangeGrant(grantType, parameters) {
      const { party } = await open()
      const request: Parameters<typeof ask>[0] = async ({ additionalParameters, ...options }) => {
        const form = new URLSearchParams(additionalParameters)
        const response = await oauth.genericTokenEndpointRequest(...party, grantType, form, options)
        return oauth.processGenericTokenEndpointResponse(party[0], party[1], response)
      }
      return (await ask(request, { call, parameters, trades: true })).tokens
    },
  }
}

/**
 * Finding out where the upstream is, and getting what proves us there, takes seconds at the first time alone. Together with the deadline of the request it has to
 * end within the lease of a refresh, after which another host shows the same refresh token, and within the claim of a callback.
 */
const preparation: Seconds = 3

/** A call that is made within that time from now, or not at all: then nothing was spent, and what was found out in the meantime is there at the next try. */
function sentSoon(call: UpstreamFetch, environment: Pick<Environment, 'now'>): UpstreamFetch {
  const begun = environment.now()
  return async (url, init) => {
    if (environment.now() - begun > preparation) throw new UpstreamUnavailable('not_sent_in_time', { sent: false })
    return call(url, init)
  }
}

function forRefreshes({ endpoints: { tokenEndpoint, refreshEndpoint = tokenEndpoint }, party: [server, ...ours] }: Party): Party['party'] {
  return [{ ...server, token_endpoint: refreshEndpoint }, ...ours]
}

// The scopes are those that the browser asked for: one that was not granted would be refused (RFC 6749 §6).
function parametersOf(
  { upstream: { scopes: written = {}, openId, forwardsResource }, requiredScopes }: Pick<TokenRequestNeeds, 'upstream' | 'requiredScopes'>,
  { scopes, resource }: AskedFor,
): Record<string, string> {
  const { inTokenRequests: named = false } = written
  const isNamed = typeof named === 'function' ? named : () => named
  const asked = scopeCodec(written, openId !== undefined)
    .toUpstream(upstreamScopes(scopes, requiredScopes))
    .filter(isNamed)
  return { ...(asked.length > 0 && { scope: asked.join(' ') }), ...(forwardsResource && { resource }) }
}
