import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { UpstreamUnavailable } from '../ports/upstream.ts'
import { type PublicJwk, parseJwkSet } from '../protocol/jwk-set.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import { readMetadata, requireSafeUrl } from './read-metadata.ts'
import { type UpstreamFetch, upstreamFetch } from './upstream-fetch.ts'

/** Finds the keys of whoever signs; asked for the `kid` of the header, so that keys that were rotated are read again. */
export type FindKeys = (kid: string | undefined) => Promise<readonly PublicJwk[]>

/** Where the keys of an issuer are: here, at a URL, or wherever its metadata says. */
export interface IssuerKeysOf {
  readonly issuer: string
  readonly jwks?: readonly PublicJwk[]
  readonly jwksUri?: string | (() => Promise<string>)
}

/** What finding them needs. */
export interface IssuerKeysNeeds {
  readonly environment: Environment
  readonly emit: Emit
}

/** Keys are taken for current this long: a key that was withdrawn is good for no longer. */
const fresh: Seconds = 600
/** And while the issuer cannot be reached, for this long. */
const stale: Seconds = 86_400
/** After a try the issuer is left alone for this long, whatever `kid` strangers make up. */
const pause: Seconds = 30

/**
 * Finds the keys of an issuer that the operator named. They are read when they are first needed, again when they are old, and
 * when somebody signs with a key that is not among them. Rejects with `UpstreamUnavailable` when there are none to go by.
 */
export function issuerKeys(of: IssuerKeysOf, { environment, emit }: IssuerKeysNeeds): FindKeys {
  const call = upstreamFetch(environment)
  let known: { readonly keys: readonly PublicJwk[]; readonly at: UnixSeconds } | undefined
  let triedAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined

  async function read(): Promise<void> {
    triedAt = environment.now()
    try {
      known = { keys: await readKeys(call, of), at: environment.now() }
    } catch (cause) {
      if (!(cause instanceof UpstreamUnavailable)) throw cause
      emit({ type: 'issuer.failed', issuer: of.issuer, reason: cause.reason })
    }
  }

  return async (kid) => {
    if (of.jwks) return of.jwks
    const asked = environment.now()
    const age = (): Seconds => environment.now() - (known?.at ?? Number.NEGATIVE_INFINITY)
    const isKnown = (): boolean => known?.keys.some((key) => kid === undefined || key.kid === kid) === true
    const isDue = (age() > fresh || !isKnown()) && environment.now() - triedAt >= pause
    if (isDue || reading) {
      reading ??= read().finally(() => {
        reading = undefined
      })
      await reading
    }
    // What is signed with a newer key must not be refused because that key could not be read, or was not looked for so soon (invariant I6).
    if (!known || age() > stale || (!isKnown() && known.at < asked)) throw new UpstreamUnavailable('issuer_keys_unknown')
    return known.keys
  }
}

async function readKeys(call: UpstreamFetch, { issuer, jwksUri }: IssuerKeysOf): Promise<readonly PublicJwk[]> {
  const keys = parseJwkSet(
    await readMetadata(call, await (typeof jwksUri === 'function' ? jwksUri() : (jwksUri ?? discoverJwksUri(call, issuer)))),
  )
  if (!keys) throw new UpstreamUnavailable('not_a_key_set')
  return keys
}

// OpenID Connect appends its path, RFC 8414 inserts its own; the document has to be this issuer's own (§3.3, threat T51).
async function discoverJwksUri(call: UpstreamFetch, issuer: string): Promise<string> {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const appended = `${origin}${path}/.well-known/openid-configuration`
  const inserted = `${origin}/.well-known/oauth-authorization-server${path}`
  const document = await readMetadata(call, appended).catch(() => readMetadata(call, inserted))
  if (document.issuer !== issuer) throw new UpstreamUnavailable('metadata_of_another_issuer')
  return requireSafeUrl(document.jwks_uri, issuer, 'metadata_without_jwks_uri')
}
