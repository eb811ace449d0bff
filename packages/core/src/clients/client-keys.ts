import type { Limiter } from '../http/rate-limit.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { BoundedCache } from '../protocol/bounded-cache.ts'
import { freshFor } from '../protocol/freshness.ts'
import { type PublicJwk, parseJwkSet } from '../protocol/jwk-set.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import type { Client } from '../records/client.ts'
import { busy, DocumentUnusable, type GuardedFetch } from './guarded-fetch.ts'

/**
 * Finds the public keys of a client: those it registered, or those at its `jwks_uri`. Where none of them has the `kid`, they
 * are read again, though not for every stranger who makes one up. A client without keys has none. `request` is who asks: their address counts. Rejects with
 * `temporarily_unavailable` when they could not be read.
 */
export type FindClientKeys = (client: Client, kid: string | undefined, request?: Request) => Promise<readonly PublicJwk[]>

/** What it needs. */
export interface ClientKeysNeeds {
  readonly fetchJson: GuardedFetch
  /** Reads the document of a client again, which may have other keys now. */
  readonly readAgain: (url: string) => Promise<Client>
  readonly limiter: Pick<Limiter, 'admitAlso'>
  readonly environment: Environment
  readonly emit: Emit
}

/** Sets of keys carry certificates along, which are long. */
const sizeLimit = 64 * 1024

/** A key that its owner took back is good for an hour at most, and a busy client does not make us ask each time. */
const freshness = { least: 60, most: 3600, otherwise: 600 }

/** Keys that were read once outlive a bad day of their host: its trouble logs nobody out (invariant I6). */
const goodFor: Seconds = 24 * 3600

/** After a look, good or bad, the next one has to wait: anybody can send a `kid` that nobody has. */
const coolDown: Seconds = 10

interface Kept {
  readonly keys: readonly PublicJwk[]
  readonly readAt: UnixSeconds
  readonly freshUntil: UnixSeconds
  readonly goodUntil: UnixSeconds
}

/** Makes a {@link FindClientKeys}. What it read is kept in this process, and losing it costs a look. */
export function clientKeys(needs: ClientKeysNeeds): FindClientKeys {
  const { readAgain, limiter, environment } = needs
  const mayLookAt = coolingDown(environment)
  const readKeys = keysAt(needs, mayLookAt)
  const keysOf: FindClientKeys = async ({ id, jwks, jwksUri }, kid, request) =>
    jwks ?? (jwksUri === undefined ? [] : readKeys(id, jwksUri, kid, request))
  return async (client, kid, request) => {
    const keys = await keysOf(client, kid, request)
    if (isAmong(keys, kid) || !client.document) return keys
    if (!mayLookAt(client.id)) {
      if (isCurrent(client.document, environment)) return keys
      throw busy(coolingDownNow())
    }
    await limiter.admitAlso('document', request)
    const current = await readAgain(client.id).catch((cause: unknown) => {
      if (!(cause instanceof DocumentUnusable)) throw cause
      if (!isFinal(cause)) throw busy(cause)
      return client
    })
    return keysOf(current, kid, request)
  }
}

/** Whether it was read so lately that what is not in it is nowhere. */
function isCurrent({ readAt }: { readonly readAt: UnixSeconds }, environment: Pick<Environment, 'now'>): boolean {
  return readAt + coolDown >= environment.now()
}

/** What may be said by something that stands before the owner's host, and be otherwise for the next of our hosts. */
const unsure = /^(status_(?!404$|410$)\d+|redirect|content_type|content_encoding)$/

/** Whether the owner says that there are none; otherwise nobody knows, and that is no no (invariant I6). */
function isFinal({ reason, passing }: DocumentUnusable): boolean {
  return !passing && !unsure.test(reason)
}

function coolingDownNow(): DocumentUnusable {
  return new DocumentUnusable('cooling_down', { passing: true })
}

function isAmong(keys: readonly PublicJwk[], kid: string | undefined): boolean {
  return kid === undefined || keys.some((key) => key.kid === kid)
}

/** Answers whether somewhere may be looked at now, and if so, not again for a while. */
function coolingDown(environment: Pick<Environment, 'now'>): (place: string) => boolean {
  const until = new BoundedCache<UnixSeconds>(1000)
  return (place) => {
    const now = environment.now()
    if ((until.find(place) ?? 0) > now) return false
    until.keep(place, now + coolDown)
    return true
  }
}

async function look(
  { fetchJson, limiter, environment, emit }: ClientKeysNeeds,
  clientId: string,
  url: string,
  request: Request | undefined,
): Promise<Kept> {
  await limiter.admitAlso('document', request)
  try {
    const { json, headers } = await fetchJson(url, sizeLimit)
    const keys = parseJwkSet(json)
    if (!keys) throw new DocumentUnusable('refused')
    const now = environment.now()
    return { keys, readAt: now, freshUntil: now + freshFor(headers, now, freshness), goodUntil: now + goodFor }
  } catch (cause) {
    if (cause instanceof DocumentUnusable) emit({ type: 'document.refused', clientId, reason: `keys_${cause.reason}` })
    throw cause
  }
}

type ReadKeys = (clientId: string, url: string, kid: string | undefined, request: Request | undefined) => Promise<readonly PublicJwk[]>

function keysAt(needs: ClientKeysNeeds, mayLookAt: (place: string) => boolean): ReadKeys {
  const kept = new BoundedCache<Kept>(1000)
  const underWay = new Map<string, Promise<Kept>>()

  /** Whoever asks while keys are being read waits for those. */
  async function lookOnce(clientId: string, url: string, request: Request | undefined): Promise<Kept> {
    if (!underWay.has(url) && !mayLookAt(url)) throw coolingDownNow()
    const looking = underWay.get(url) ?? look(needs, clientId, url, request).finally(() => underWay.delete(url))
    underWay.set(url, looking)
    const read = await looking
    kept.keep(url, read)
    return read
  }

  return async (clientId, url, kid, request) => {
    const now = needs.environment.now()
    const known = kept.find(url)
    if (known && known.freshUntil > now && isAmong(known.keys, kid)) return known.keys
    try {
      return (await lookOnce(clientId, url, request)).keys
    } catch (cause) {
      const good = known && known.goodUntil > now ? known : undefined
      // Who signs with a newer key must not be refused because that key could not be read.
      if (good && (isAmong(good.keys, kid) || isCurrent(good, needs.environment))) return good.keys
      if (!(cause instanceof DocumentUnusable)) throw cause
      if (!isFinal(cause)) throw busy(cause)
      return good?.keys ?? []
    }
  }
}
