import {
  type Environment,
  type Seconds,
  systemEnvironment,
  type UnixSeconds,
  type UpstreamAccess,
  type UpstreamHandle,
  type UpstreamTokens,
} from '@drawbridge/core'

/** With less left, a token is traded for again. */
const due: Seconds = 300
/** The oldest goes when there are more (ours). */
const limit = 128

/** A trade under way, or what came of it. */
interface Kept {
  readonly tokens: Promise<UpstreamTokens>
  until: UnixSeconds
}

/** An API with these scopes, in the name of the person whose upstream it is. */
export type OnBehalfOf = (upstream: UpstreamHandle, scopes: readonly string[]) => Promise<UpstreamAccess>

/**
 * Opens the on-behalf-of flow: the token of a person for your own API is traded for one that is good at another. It is kept in memory until shortly before its end, since Entra
 * refuses who asks the same too often (AADSTS50196). Rejects with `UpstreamRefused` when the person has to agree or to sign in again first.
 * @see https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-on-behalf-of-flow
 */
export function onBehalfOf(environment: Pick<Environment, 'now' | 'fetch'> = systemEnvironment()): OnBehalfOf {
  const trades = new Map<string, Kept>()

  async function tokensOf({ accessToken, exchange }: UpstreamHandle, scope: string): Promise<UpstreamTokens> {
    const key = `${accessToken} ${scope}`
    const kept = trades.get(key)
    if (kept && kept.until > environment.now()) return kept.tokens
    const parameters = { assertion: accessToken, scope, requested_token_use: 'on_behalf_of' }
    const trade: Kept = {
      tokens: exchange('urn:ietf:params:oauth:grant-type:jwt-bearer', parameters),
      until: Number.POSITIVE_INFINITY,
    }
    keep(trades, key, trade)
    try {
      const tokens = await trade.tokens
      trade.until = (tokens.expiresAt ?? 0) - due
      return tokens
    } catch (cause) {
      trades.delete(key)
      throw cause
    }
  }

  return async (upstream, scopes) => {
    const { accessToken, scopes: granted = scopes } = await tokensOf(upstream, [...new Set(scopes)].sort().join(' '))
    return {
      accessToken,
      scopes: granted,
      fetch(input, init = {}) {
        const headers = new Headers(init.headers)
        headers.set('authorization', `Bearer ${accessToken}`)
        return environment.fetch(input, { ...init, headers })
      },
    }
  }
}

function keep(trades: Map<string, Kept>, key: string, trade: Kept): void {
  trades.delete(key)
  trades.set(key, trade)
  for (const oldest of trades.keys()) {
    if (trades.size <= limit) return
    trades.delete(oldest)
  }
}
