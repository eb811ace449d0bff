import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Event } from '../ports/events.ts'
import { type Entry, type Store, StoreUnavailable, StoreUnreadable } from '../ports/store.ts'
import { ConfigurationError } from '../protocol/errors.ts'
import { timedId } from '../protocol/identifiers.ts'
import { defaultLifetimes as lifetimes } from '../protocol/lifetimes.ts'
import { type FixedEnvironment, fixedEnvironment } from '../testing/fixed-environment.ts'
import { type StoreDouble, storeDouble } from '../testing/store-double.ts'
import { type DeploymentDoor, deploymentDoor } from './deployment-door.ts'
import { openRecords } from './records.ts'

const day = 86_400
const issuer = 'https://mcp.example.com'
const namespace = 'test'

interface Host {
  readonly door: DeploymentDoor
  readonly events: Event[]
}

/** A process: it remembers what it opened. */
function host(store: Store, environment: FixedEnvironment, whose: { issuer?: string; namespace?: string } = {}): Host {
  const events: Event[] = []
  return {
    events,
    door: deploymentDoor({ store, lifetimes, namespace, issuer, environment, emit: (event) => events.push(event), ...whose }),
  }
}

function world() {
  const environment = fixedEnvironment()
  const store = storeDouble(environment)
  const mint = (): string => timedId(environment.now(), environment.randomBytes(10))
  return { environment, store, mint, ...host(store, environment) }
}

const stored = (store: StoreDouble): Record<string, unknown> => JSON.parse(store.entries.get('test:deployment')?.value ?? '{}')

describe('the deployment record', () => {
  it('is made on the first start: whose the store is, and two keys of 256 bits, for 400 days', async () => {
    const { door, store, environment } = world()
    const { record } = await door.open()
    expect(record).toEqual({
      createdAt: environment.now(),
      endsAt: environment.now() + 400 * day,
      namespace: 'test',
      issuer: 'https://mcp.example.com',
      recordNameKey: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      formKey: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
    })
    expect(record.recordNameKey).not.toBe(record.formKey)
    expect(stored(store)).toEqual(record)
    expect(store.entries.get('test:deployment')?.endsAt).toBe(environment.now() + 400 * day)
  })

  it('is made once, by however many hosts at once: all end with the same keys', async () => {
    const { store, environment } = world()
    const opened = await Promise.all(Array.from({ length: 10 }, () => host(store, environment).door.open()))
    for (const { record } of opened) expect(record).toEqual(stored(store))
    expect(store.calls.filter(({ method }) => method === 'set').length).toBeGreaterThan(1)
  })

  it('is found on later starts, and not written again', async () => {
    const { door, store, environment } = world()
    const { record } = await door.open()
    environment.advance(100 * day)
    store.calls.length = 0
    expect((await host(store, environment).door.open()).record).toEqual(record)
    expect(store.calls.map(({ method }) => method)).toEqual(['get'])
  })

  it('is read once by a process, however many requests come at once, and then remembered for a minute', async () => {
    const { door, store, environment } = world()
    await Promise.all(Array.from({ length: 50 }, () => door.open()))
    expect(store.calls.map(({ method }) => method)).toEqual(['get', 'set'])
    environment.advance(60)
    await door.open()
    await environment.drain()
    expect(store.calls).toHaveLength(2)
    environment.advance(1)
    await Promise.all([door.open(), door.open()])
    await environment.drain()
    expect(store.calls.map(({ method }) => method)).toEqual(['get', 'set', 'get'])
  })

  it('is read again beside a request, which does not wait for it', async () => {
    const { door, store, environment } = world()
    const { record } = await door.open()
    environment.advance(3601)
    store.before = () => {
      throw new StoreUnavailable('no answer')
    }
    expect((await door.open()).record).toEqual(record)
    await environment.drain()
  })

  it('is renewed when fewer than 200 days are left, its keys and birth kept, and what it does not know', async () => {
    const { door, store, environment } = world()
    const { record } = await door.open()
    const held = store.entries.get('test:deployment')
    if (held) store.entries.set('test:deployment', { ...held, value: JSON.stringify({ ...record, fromTheNextRelease: 1 }) })
    environment.advance(200 * day - 1)
    await door.check()
    expect(stored(store)).toEqual({ ...record, fromTheNextRelease: 1 })
    environment.advance(1)
    await door.check()
    expect(stored(store)).toEqual({ ...record, fromTheNextRelease: 1, endsAt: environment.now() + 400 * day })
    expect(store.entries.get('test:deployment')?.endsAt).toBe(environment.now() + 400 * day)
  })

  it('is renewed once, by however many hosts at once', async () => {
    const { door, store, environment } = world()
    await door.open()
    environment.advance(250 * day)
    const opened = await Promise.all(Array.from({ length: 5 }, () => host(store, environment).door.open()))
    for (const { record } of opened) expect(record).toEqual(stored(store))
  })

  it('that is trouble to read is trouble, and the next request tries again', async () => {
    const { door, store } = world()
    store.before = () => {
      throw new StoreUnavailable('no answer')
    }
    await expect(door.open()).rejects.toThrow(StoreUnavailable)
    store.before = () => {}
    expect((await door.open()).record.issuer).toBe(issuer)
  })
})

describe('a store that is not ours refuses the start (T97)', () => {
  it.each([
    [{ issuer: 'https://other.example.com' }, 'https://other.example.com', 'test'],
    [{ issuer: 'https://mcp.example.com/' }, 'https://mcp.example.com/', 'test'],
  ])('under another issuer: %j', async (whose, otherIssuer, otherNamespace) => {
    const { door, store, environment } = world()
    await door.open()
    const opening = host(store, environment, whose).door.open()
    await expect(opening).rejects.toThrow(ConfigurationError)
    await expect(opening).rejects.toMatchObject({
      problems: [
        `the store belongs to the issuer https://mcp.example.com in the namespace test, not to ${otherIssuer} in ${otherNamespace}: set issuerUrl back, or give this deployment a namespace of its own`,
      ],
    })
  })

  it('under another namespace, when the record was copied there', async () => {
    const { door, store, environment } = world()
    await door.open()
    const held = store.entries.get('test:deployment')
    if (held) store.entries.set('copy:deployment', held)
    await expect(host(store, environment, { namespace: 'copy' }).door.open()).rejects.toMatchObject({
      problems: [
        'the store belongs to the issuer https://mcp.example.com in the namespace test, not to https://mcp.example.com in copy: set issuerUrl back, or give this deployment a namespace of its own',
      ],
    })
  })

  it('and lives beside ours under a namespace of its own', async () => {
    const { door, store, environment } = world()
    const ours = await door.open()
    const theirs = await host(store, environment, { issuer: 'https://other.example.com', namespace: 'other' }).door.open()
    expect(theirs.record.recordNameKey).not.toBe(ours.record.recordNameKey)
    expect([...store.entries.keys()].sort()).toEqual(['other:deployment', 'test:deployment'])
  })

  it('sealed by another storage key, with what mends it, and keeps what is there (REL-R17, T95)', async () => {
    const { door, store, environment } = world()
    await door.open()
    const unreadable: Store = {
      ...store,
      async get(key): Promise<Entry | undefined> {
        const entry = await store.get(key)
        return (
          entry && {
            version: entry.version,
            get value(): string {
              throw new StoreUnreadable('no key opens it')
            },
          }
        )
      },
    }
    await expect(host(unreadable, environment).door.open()).rejects.toMatchObject({
      name: 'ConfigurationError',
      problems: ['the storage key does not open the store: set the key that sealed it (first or later in the list), or use an empty store'],
      cause: { name: 'StoreUnreadable' },
    })
    expect(store.calls.filter(({ method }) => method !== 'get')).toHaveLength(1)
  })

  it('with a record that is damaged, the same way', async () => {
    const { door, store } = world()
    store.entries.set('test:deployment', { value: '{"createdAt":1}', version: 'v', endsAt: Number.MAX_SAFE_INTEGER })
    await expect(door.open()).rejects.toThrow(ConfigurationError)
    expect(stored(store)).toEqual({ createdAt: 1 })
  })
})

describe('a record’s name', () => {
  it('is the namespace, the kind, and a keyed hash of both: it tells nothing (T89, T104)', async () => {
    const { door } = world()
    const { record, name } = await door.open()
    const hash = createHmac('sha256', Buffer.from(record.recordNameKey, 'base64url'))
      .update('client\0somebody@example.com')
      .digest('base64url')
    expect(name('client', 'somebody@example.com')).toBe(`test:client:${hash}`)
    expect(name('grant', 'somebody@example.com')).not.toContain(hash)
    expect(name('client', 'somebody@example.org')).not.toContain(hash)
  })

  it('has a key of its own in every deployment, and so has each purpose of the form key', async () => {
    const { door } = world()
    const one = await door.open()
    const { door: elsewhere, environment } = world()
    environment.randomBytes(1)
    const other = await elsewhere.open()
    expect(one.name('client', 'c')).not.toBe(other.name('client', 'c'))
    const keys = [one.formKeyFor('consent form'), one.formKeyFor('login cookie'), other.formKeyFor('consent form')]
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(3)
    expect(keys.every((key) => key.byteLength === 32)).toBe(true)
    expect(one.formKeyFor('consent form')).toEqual(keys[0])
  })
})

describe('a record that is missed', () => {
  it('on a healthy store was never there: that is believed (I6)', async () => {
    const { door, mint, environment, events } = world()
    await door.open()
    // In the very second of the first start too.
    await door.missed('client', mint())
    environment.advance(5)
    await door.missed('client', mint())
    expect(events).toEqual([])
  })

  it('under an id that is none of ours is simply unknown, and the store is not asked', async () => {
    const { door, store, events } = world()
    for (const id of ['', 'made up', 'https://client.example.com/c.json', '017f22e2-79b0-4cc3-98c4-dc0c0c07398f'])
      await door.missed('client', id)
    expect(store.calls).toEqual([])
    expect(events).toEqual([])
  })

  it('when the store was emptied after its id was minted is lost: 503, and the operator is told (REL-R6)', async () => {
    const { door, store, mint, environment, events } = world()
    await door.open()
    const id = mint()
    environment.advance(60)
    store.entries.clear()
    await expect(door.missed('client', id)).rejects.toThrow(StoreUnavailable)
    expect(events).toEqual([{ type: 'store.lost', kind: 'client' }])
  })

  it('is lost for 10 minutes after the store was found empty, and then unknown', async () => {
    const { door, store, mint, environment, events } = world()
    await door.open()
    const id = mint()
    environment.advance(60)
    store.entries.clear()
    await door.check()
    environment.advance(599)
    await expect(door.missed('grant', id)).rejects.toThrow(StoreUnavailable)
    environment.advance(1)
    await door.missed('grant', id)
    expect(events).toEqual([{ type: 'store.lost', kind: 'grant' }])
  })

  it('is lost on the wrong store too: one that was made after the id', async () => {
    const { mint, environment } = world()
    const id = mint()
    environment.advance(3600)
    const { door } = host(storeDouble(environment), environment)
    await expect(door.missed('client', id)).rejects.toThrow(StoreUnavailable)
  })

  it('under an id minted after that is unknown, not lost', async () => {
    const { door, store, mint, environment, events } = world()
    await door.open()
    store.entries.clear()
    await door.check()
    environment.advance(6)
    await door.missed('client', mint())
    expect(events).toEqual([])
  })

  it('is lost when the record of the deployment is gone, however young the id is', async () => {
    const { door, store, mint, environment, events } = world()
    await door.open()
    environment.advance(60)
    store.entries.clear()
    await expect(door.missed('client', mint())).rejects.toThrow(StoreUnavailable)
    expect(events).toEqual([{ type: 'store.lost', kind: 'client' }])
  })

  it('while the store cannot be asked is trouble, and never unknown', async () => {
    const { door, store, mint } = world()
    await door.open()
    const id = mint()
    store.before = () => {
      throw new StoreUnavailable('no answer')
    }
    await expect(door.missed('client', id)).rejects.toThrow('no answer')
  })
})

describe('a store that was emptied under running hosts', () => {
  it('keeps its names: whoever recreates the record uses the keys it remembers', async () => {
    const { door, store, environment } = world()
    const other = host(store, environment)
    const { record } = await door.open()
    await other.door.open()
    environment.advance(60)
    store.entries.clear()
    await door.check()
    await other.door.check()
    const { record: again } = await other.door.open()
    expect(again).toEqual({ ...record, createdAt: environment.now(), endsAt: environment.now() + 400 * day })
  })

  it('and refilled under new names by a host that was just started, is not taken for one that knows nothing (I6)', async () => {
    const { store, environment, mint } = world()
    const emit = (): void => {}
    const running = openRecords({ store, lifetimes, namespace, issuer, secure: false, environment, emit })
    await running.deployment.open()
    environment.advance(60)
    store.entries.clear()
    const started = openRecords({ store, lifetimes, namespace, issuer, secure: false, environment, emit })
    const id = mint()
    const client = {
      id,
      redirectUris: [],
      grantTypes: [],
      authentication: 'none' as const,
      createdAt: environment.now(),
      endsAt: environment.now() + day,
    }
    await started.clients.create(id, client)
    // The running host looks under the old names once; it says that it cannot tell, and knows the new ones from then on.
    await expect(Promise.all([running.clients.find(id), running.clients.find(id)])).rejects.toThrow(StoreUnavailable)
    await Promise.allSettled([running.clients.find(id)])
    expect(await running.clients.find(id)).toEqual(client)
    environment.advance(6)
    expect(await running.clients.find(mint())).toBeUndefined()
  })
})

describe('every kind of record', () => {
  it('has a name of its own, and nothing is read before it is needed (T104)', async () => {
    const { store, environment } = world()
    const records = openRecords({ store, lifetimes, namespace, issuer, secure: false, environment, emit: () => {} })
    expect(store.calls).toEqual([])
    await records.leases.create('one id', { holder: 'h', endsAt: environment.now() + 15 })
    expect(await Promise.all([records.clients.find('one id'), records.transactions.find('one id'), records.grants.find('one id')])).toEqual(
      [undefined, undefined, undefined],
    )
    expect([...store.entries.keys()].map((key) => key.replace(/[A-Za-z0-9_-]{43}$/, '#')).sort()).toEqual([
      'test:deployment',
      'test:lease:#',
    ])
    expect(new Set(store.calls.map(({ key }) => key.split(':')[1]))).toEqual(
      new Set(['deployment', 'lease', 'client', 'transaction', 'grant']),
    )
  })
})
