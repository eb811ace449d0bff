import type { Telemetry } from '../ports/telemetry.ts'
import type { Identified, Identity, UpstreamClientCredentials, UpstreamTokens } from '../ports/upstream.ts'
import type { AskNeeds } from './ask-for-tokens.ts'
import { authorizationUrlOf } from './authorization-url.ts'
import { endpointFinder } from './find-endpoints.ts'
import { type Evidence, openIdentification } from './identify.ts'
import type { ClaimsMap } from './map-claims.ts'
import { openParty } from './party.ts'
import { revoking } from './revoke.ts'
import { tokenRequests } from './token-requests.ts'
import { upstreamFetch } from './upstream-fetch.ts'
import { watchedUpstreamClient } from './watched-upstream-client.ts'

/** What a login, or a grant, asks the upstream for. */
export interface AskedFor {
  readonly scopes: readonly string[]
  /** The MCP endpoint that it is for. */
  readonly resource: string
}

/** Tokens for a code, and what `identify` may look at beside them. */
export interface Exchanged {
  readonly tokens: UpstreamTokens
  readonly evidence: Evidence
}

/** Us, as the upstream's client. Every call rejects with `UpstreamUnavailable` or, when the answer is no, with `UpstreamRefused`. */
export interface UpstreamClient {
  /** Begins to find out where the upstream is, so that nobody has to wait for it later. */
  prepare(): void
  /** Where the browser goes to sign in: our state, our challenge, our callback (RFC 6749 §4.1.1), and a nonce where there are ID tokens. */
  authorizationUrl(state: string, verifier: string, asked: AskedFor): Promise<string>
  /** Trades the upstream code in a callback for tokens (RFC 6749 §4.1.3); `parameters` are those of the callback. */
  exchangeCode(parameters: Readonly<Record<string, string>>, state: string, verifier: string, asked: AskedFor): Promise<Exchanged>
  /** Refreshes (RFC 6749 §6). */
  refresh(refreshToken: string, asked: AskedFor): Promise<UpstreamTokens>
  /** Trades something else for tokens: the access token of a person for one that is good elsewhere (RFC 6749 §4.5, RFC 8693). */
  exchangeGrant(grantType: string, parameters: Readonly<Record<string, string>>): Promise<UpstreamTokens>
  /** Asks who the person is: at the login, by what came with the tokens; later, by what is known of them. */
  identify(accessToken: string, by: Evidence | { readonly known: Identity }): Promise<Identified>
  /** Tells the upstream that its tokens are not needed any more (RFC 7009); nothing happens where it cannot be told. */
  revoke(tokens: Pick<UpstreamTokens, 'accessToken' | 'refreshToken'>): Promise<void>
}

/** What the upstream client is made of. */
export interface UpstreamClientNeeds extends AskNeeds {
  readonly credentials: UpstreamClientCredentials
  /** Our one callback, as registered with the upstream. */
  readonly callbackUrl: string
  /** What the operator requires, of the upstream too. */
  readonly requiredScopes: readonly string[]
  readonly claims?: ClaimsMap
  readonly telemetry?: Telemetry | undefined
  /** The key of the provider, where there are several. */
  readonly provider?: string | undefined
}

/** Opens the upstream client, on oauth4webapi. */
export function upstreamClient(needs: UpstreamClientNeeds): UpstreamClient {
  const client = openClient(needs)
  return needs.telemetry ? watchedUpstreamClient(client, needs.telemetry, needs.provider) : client
}

function openClient(needs: UpstreamClientNeeds): UpstreamClient {
  const { upstream, credentials, environment } = needs
  const call = upstreamFetch(environment, upstream.quirks)
  const finder = endpointFinder(upstream, call, needs)
  const party = openParty(upstream, credentials, finder)
  return {
    prepare: finder.prepare,
    async authorizationUrl(state, verifier, asked) {
      return authorizationUrlOf({ ...needs, endpoints: await finder.find() }, state, verifier, asked)
    },
    ...tokenRequests({ ...needs, call, party }),
    identify: openIdentification({ ...needs, finder, call }),
    revoke: revoking({ credentials, call, party }),
  }
}
