import type { Identified, Identity, UpstreamTokens } from '../ports/upstream.ts'
import type { Evidence } from './identify.ts'

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
