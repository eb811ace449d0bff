import type { Telemetry } from '../ports/telemetry.ts'
import type { UpstreamClientCredentials } from '../ports/upstream.ts'
import type { AskNeeds } from './ask-for-tokens.ts'
import { authorizationUrlOf } from './authorization-url.ts'
import type { UpstreamClient } from './calls.ts'
import { endpointFinder } from './find-endpoints.ts'
import { openIdentification } from './identify.ts'
import type { ClaimsMap } from './map-claims.ts'
import { openParty } from './party.ts'
import { revoking } from './revoke.ts'
import { tokenRequests } from './token-requests.ts'
import { upstreamFetch } from './upstream-fetch.ts'
import { watchedUpstreamClient } from './watched-upstream-client.ts'

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
