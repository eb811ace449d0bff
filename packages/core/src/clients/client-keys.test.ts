import { describe, expect, it } from 'vitest'
import type { Event } from '../ports/events.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { Client } from '../records/client.ts'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { clientKeys } from './client-keys.ts'
import { DocumentUnusable } from './guarded-fetch.ts'

const place = 'https://client.example.com/jwks.json'
const key = (kid: string) => ({ kty: 'RSA' as const, n: 'AQAB', e: 'AQAB', kid })
const client: Client = {
  id: 'a',
  redirectUris: [],
  grantTypes: [],
  authentication: 'private_key_jwt',
  jwksUri: place,
  createdAt: 0,
  endsAt: 1,
}
const documentId = 'https://client.example.com/client.json'
const inDocument: Client = { ...client, id: documentId, document: { readAt: 0, freshUntil: 0 } }

/** A world whose keys are what `published` has, until it fails. */
function open() {
  const environment = fixedEnvironment()
  const world = {
    environment,
    published: { keys: [key('one')] } as unknown,
    headers: {} as Record<string, string>,
    failure: undefined as DocumentUnusable | undefined,
    document: inDocument,
    asked: [] as string[],
    events: [] as Event[],
  }
  const find = clientKeys({
    limiter: { admitAlso: async () => {} },
    environment,
    emit: (event) => world.events.push(event),
    async fetchJson(url) {
      world.asked.push(url)
      if (world.failure) throw world.failure
      return { json: world.published, headers: new Headers(world.headers) }
    },
    async readAgain(url) {
      world.asked.push(url)
      if (world.failure) throw world.failure
      return world.document
    },
  })
  return { ...world, world, find: (from: Client, kid?: string) => find(from, kid).then((keys) => keys.map((one) => one.kid), codeOf) }
}

const codeOf = (cause: unknown): unknown => (cause instanceof OAuthError ? [cause.code, cause.reason] : cause)
const gone = new DocumentUnusable('status_404')
const down = new DocumentUnusable('unreachable', { passing: true })

describe('the keys of a client', () => {
  it('are those it registered, and nobody is asked', async () => {
    const { find, asked } = open()
    const { jwksUri: _, ...inline } = client
    expect(await find({ ...inline, jwks: [key('mine')] }, 'other')).toEqual(['mine'])
    expect(await find(inline, 'other')).toEqual([])
    expect(asked).toEqual([])
  })

  it('are at its jwks_uri, asked once while they are fresh, by however many at once', async () => {
    const { find, environment, asked } = open()
    expect(await Promise.all([find(client, 'one'), find(client), find({ ...client, id: 'b' }, 'one')])).toEqual([['one'], ['one'], ['one']])
    environment.advance(599)
    expect(await find(client, 'one')).toEqual(['one'])
    expect(asked).toEqual([place])
    environment.advance(1)
    await find(client, 'one')
    expect(asked).toEqual([place, place])
  })

  it.each([
    ['max-age=0', 60],
    ['max-age=300', 300],
    ['max-age=86400', 3600],
  ])('are fresh as their host says, within bounds: %s', async (cacheControl, seconds) => {
    const { find, world, environment } = open()
    world.headers = { 'cache-control': cacheControl }
    await find(client, 'one')
    environment.advance(seconds - 1)
    await find(client, 'one')
    expect(world.asked).toHaveLength(1)
    environment.advance(1)
    await find(client, 'one')
    expect(world.asked).toHaveLength(2)
  })

  it('are read again for a kid that is not among them, once in ten seconds (REL-R39)', async () => {
    const { find, world, environment } = open()
    await find(client, 'one')
    world.published = { keys: [key('one'), key('two')] }
    expect(await find(client, 'two')).toEqual(['one'])
    environment.advance(10)
    expect(await find(client, 'two')).toEqual(['one', 'two'])
    for (const kid of ['x', 'y', 'z']) expect(await find(client, kid)).toEqual(['one', 'two'])
    expect(world.asked).toHaveLength(2)
  })

  it.each([
    ['is down', down],
    ['has none any more', gone],
  ])('stay good for a day while their host %s (REL-R39)', async (_, failure) => {
    const { find, world, environment } = open()
    await find(client, 'one')
    world.failure = failure
    environment.advance(86_399)
    expect(await find(client, 'one')).toEqual(['one'])
    environment.advance(11)
    expect(await find(client, 'one')).toEqual(failure.passing ? ['temporarily_unavailable', 'document_unreachable'] : [])
  })

  it('that may be newer than those we know, and could not be read, are 503 and no refusal, also while their host is left alone (I6)', async () => {
    const { find, world, environment } = open()
    await find(client, 'one')
    environment.advance(11)
    world.failure = down
    for (const _ of [1, 2]) {
      expect(await find(client, 'two')).toEqual(['temporarily_unavailable', 'document_unreachable'])
      expect(await find(client, 'one')).toEqual(['one'])
    }
    expect(world.asked).toHaveLength(2)
    world.failure = gone
    environment.advance(11)
    expect(await find(client, 'two')).toEqual(['one'])
    world.failure = undefined
    world.published = { keys: [key('two')] }
    environment.advance(11)
    expect(await find(client, 'two')).toEqual(['two'])
  })

  it.each(['status_403', 'status_401', 'redirect', 'content_type', 'content_encoding'])(
    'are not taken for none because of an answer that a filter before their host may have given: %s (I6)',
    async (reason) => {
      const { find, world } = open()
      world.failure = new DocumentUnusable(reason)
      expect(await find(client, 'one')).toEqual(['temporarily_unavailable', 'document_unreachable'])
    },
  )

  it.each(['status_404', 'status_410', 'not_json', 'too_long', 'own_origin'])('are none where their owner says so: %s', async (reason) => {
    const { find, world } = open()
    world.failure = new DocumentUnusable(reason)
    expect(await find(client, 'one')).toEqual([])
  })

  it('that could not be read are no reason to take a client for another: 503, and the next look can be the good one', async () => {
    const { find, world, environment } = open()
    world.failure = down
    expect(await find(client, 'one')).toEqual(['temporarily_unavailable', 'document_unreachable'])
    expect(await find(client, 'one')).toEqual(['temporarily_unavailable', 'document_unreachable'])
    expect(world.asked).toHaveLength(1)
    world.failure = undefined
    environment.advance(10)
    expect(await find(client, 'one')).toEqual(['one'])
    expect(world.events).toEqual([{ type: 'document.refused', clientId: 'a', reason: 'keys_unreachable' }])
  })

  it.each([
    ['a private key', { keys: [{ ...key('one'), d: 'AQ' }] }],
    ['a secret', { keys: [{ kty: 'oct', k: 'AQ' }] }],
    ['no set', [key('one')]],
  ])('are none where there is %s', async (_, published) => {
    const { find, world } = open()
    world.published = published
    expect(await find(client, 'one')).toEqual([])
    expect(world.events).toEqual([{ type: 'document.refused', clientId: 'a', reason: 'keys_refused' }])
  })
})

describe('the keys of a client that is a URL', () => {
  it('are looked for in its document again, which may name others now', async () => {
    const { find, world } = open()
    const { jwksUri: _, ...inline } = inDocument
    world.document = { ...inline, jwks: [key('new')] }
    expect(await find({ ...inline, jwks: [key('old')] }, 'new')).toEqual(['new'])
    expect(await find({ ...inline, jwks: [key('old')] }, 'old')).toEqual(['old'])
    expect(world.asked).toEqual([documentId])
  })

  it('may be newer than those we know while its document cannot be read: 503 and no refusal; and those we know stay good (I6)', async () => {
    const { find, world, environment } = open()
    const { jwksUri: _, ...inline } = inDocument
    const known = { ...inline, jwks: [key('old')] }
    world.failure = down
    for (const _ of [1, 2]) expect(await find(known, 'new')).toEqual(['temporarily_unavailable', 'document_unreachable'])
    expect(await find(known, 'old')).toEqual(['old'])
    expect(world.asked).toEqual([documentId])
    environment.advance(11)
    world.failure = gone
    expect(await find(known, 'new')).toEqual(['old'])
  })

  it('are all there are where its document was just read', async () => {
    const { find, world, environment } = open()
    const { jwksUri: _, ...inline } = inDocument
    const current = { ...inline, jwks: [key('old')], document: { readAt: environment.now(), freshUntil: environment.now() } }
    world.document = current
    for (const _ of [1, 2]) expect(await find(current, 'new')).toEqual(['old'])
    expect(world.asked).toEqual([documentId])
  })
})
