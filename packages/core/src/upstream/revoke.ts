import * as oauth from 'oauth4webapi'
import { type UpstreamClientCredentials, type UpstreamTokens, UpstreamUnavailable } from '../ports/upstream.ts'
import type { Party } from './party.ts'
import type { UpstreamFetch } from './upstream-fetch.ts'

/** What telling the upstream needs. */
export interface RevokingNeeds {
  readonly credentials: UpstreamClientCredentials
  readonly call: UpstreamFetch
  readonly party: () => Promise<Party>
}

/** Opens the way to tell the upstream that its tokens are not needed any more (RFC 7009, or as the provider says); nothing happens where it cannot be told. */
export function revoking({ credentials, call, party: open }: RevokingNeeds) {
  return async ({ accessToken, refreshToken }: Pick<UpstreamTokens, 'accessToken' | 'refreshToken'>): Promise<void> => {
    const { endpoints, party } = await open()
    const { revocation } = endpoints
    if (!revocation) return
    if ('endpoint' in revocation) {
      const options: oauth.RevocationRequestOptions = {
        [oauth.customFetch]: (url, { method, headers, body }) => call(url, { method, headers, ...(body != null && { body }) }),
        [oauth.allowInsecureRequests]: true,
      }
      return requireHeard(await oauth.revocationRequest(...party, refreshToken ?? accessToken, options))
    }
    const { url, init } = revocation.request(accessToken, credentials)
    requireHeard(await call(url, init))
  }
}

// A token that the upstream does not know any more is ended; one that it did not let us end is not.
function requireHeard({ status }: Response): void {
  if (status === 401 || status === 403) throw new UpstreamUnavailable(`status_${status}`)
}
