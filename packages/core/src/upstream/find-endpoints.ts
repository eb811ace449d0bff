import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { type OpenId, type OpenIdUpstream, type Upstream, type UpstreamEndpoints, UpstreamUnavailable } from '../ports/upstream.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import { readMetadata, requireSafeUrl } from './read-metadata.ts'
import type { UpstreamFetch } from './upstream-fetch.ts'

/** Where an upstream is, and what its document says beside. */
export interface FoundEndpoints extends UpstreamEndpoints {
  /** Where the keys are that sign its ID tokens. */
  readonly jwksUri?: string
  /** How it takes our credentials; absent where it does not say. */
  readonly clientAuthentications?: readonly string[]
  /** Whether its answers have to name it (RFC 9207 §2.3). */
  readonly namesItself?: boolean
}

/** Finds out where the upstream is. */
export interface EndpointFinder {
  /** Rejects with `UpstreamUnavailable` while that is not known. */
  find(): Promise<FoundEndpoints>
  /** Begins to find out, so that nobody waits for it later. It reports its own failures. */
  prepare(): void
}

/** What finding needs. */
export interface FindEndpointsNeeds {
  readonly environment: Environment
  readonly emit: Emit
}

/** A document is read again after a day: endpoints move seldom, and the old ones go on for a while when they do. */
const fresh: Seconds = 86_400
/** After a failure the upstream is left alone for a moment, and whoever comes meanwhile is told at once. */
const pause: Seconds = 2

/**
 * Opens the finder. A document is read when it is first needed and then once a day, beside the requests that go on with the old one; a dead upstream stops
 * nobody's start, and is asked again with the next request (OpenID Connect Discovery §4).
 */
export function endpointFinder(upstream: Upstream, call: UpstreamFetch, { environment, emit }: FindEndpointsNeeds): EndpointFinder {
  const { openId } = upstream
  if (openId === undefined) return { find: async () => upstream, prepare: () => {} }
  const { revocation } = upstream
  let known: { readonly endpoints: FoundEndpoints; readonly at: UnixSeconds } | undefined
  let failed: { readonly cause: unknown; readonly at: UnixSeconds } | undefined
  let reading: Promise<FoundEndpoints> | undefined

  async function read(of: OpenId): Promise<FoundEndpoints> {
    try {
      const endpoints = withRevocation(await discover(of, call), revocation)
      known = { endpoints, at: environment.now() }
      return endpoints
    } catch (cause) {
      failed = { cause, at: environment.now() }
      emit({ type: 'issuer.failed', issuer: of.issuer, reason: cause instanceof UpstreamUnavailable ? cause.reason : 'failed' })
      throw cause
    }
  }

  const readOnce = async (): Promise<FoundEndpoints> => {
    // Nothing was sent yet of whatever needs it.
    if (failed && environment.now() - failed.at < pause) throw unsent(failed.cause)
    reading ??= read(openId).finally(() => {
      reading = undefined
    })
    return reading.catch((cause: unknown) => {
      throw unsent(cause)
    })
  }
  const begin = (): void => environment.defer(readOnce().then(ignore, ignore))
  return {
    async find() {
      if (!known) return readOnce()
      if (environment.now() - known.at > fresh && !reading) begin()
      return known.endpoints
    },
    prepare: () => (known ? undefined : begin()),
  }
}

function withRevocation(
  { revocation: named, ...endpoints }: FoundEndpoints,
  revocation: OpenIdUpstream['revocation'] = named,
): FoundEndpoints {
  return revocation === undefined || revocation === 'never' ? endpoints : { ...endpoints, revocation }
}

function ignore(): void {}

function unsent(cause: unknown): UpstreamUnavailable {
  return new UpstreamUnavailable(cause instanceof UpstreamUnavailable ? cause.reason : 'failed', { sent: false, cause })
}

async function discover({ issuer, discoveryUrl, documentIssuer, issuerOf }: OpenId, call: UpstreamFetch): Promise<FoundEndpoints> {
  const document = await readMetadata(call, discoveryUrl ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  if (document.issuer !== (documentIssuer ?? issuer)) throw new UpstreamUnavailable('metadata_of_another_issuer')
  const url = (member: string): string => requireSafeUrl(document[member], issuer, `metadata_without_${member}`)
  const optional = (member: string): string | undefined => (typeof document[member] === 'string' ? url(member) : undefined)
  const [revocation, userinfoEndpoint] = [optional('revocation_endpoint'), optional('userinfo_endpoint')]
  const methods = document.token_endpoint_auth_methods_supported
  return {
    authorizationEndpoint: url('authorization_endpoint'),
    tokenEndpoint: url('token_endpoint'),
    jwksUri: url('jwks_uri'),
    namesItself: document.authorization_response_iss_parameter_supported === true,
    // Who has an issuer for each tenant cannot be held to one name here; its ID token is.
    ...(issuerOf === undefined && { issuer }),
    ...(revocation !== undefined && { revocation: { endpoint: revocation } }),
    ...(userinfoEndpoint !== undefined && { userinfoEndpoint }),
    ...(Array.isArray(methods) && { clientAuthentications: methods.filter((method) => typeof method === 'string') }),
  }
}
