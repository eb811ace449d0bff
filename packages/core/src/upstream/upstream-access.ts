import type { Environment } from '../ports/environment.ts'
import type { UpstreamAccess } from '../ports/upstream.ts'

/** The upstream, with `accessToken` on every call. */
export function upstreamAccess(accessToken: string, scopes: readonly string[], environment: Pick<Environment, 'fetch'>): UpstreamAccess {
  return {
    accessToken,
    scopes,
    fetch(input, init = {}) {
      const headers = new Headers(init.headers)
      headers.set('authorization', `Bearer ${accessToken}`)
      return environment.fetch(input, { ...init, headers })
    },
  }
}
