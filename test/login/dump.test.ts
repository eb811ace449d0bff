import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { inspect } from 'node:util'
import type { Store } from '@drawbridge/core'
import { createFernetKey, encrypted, fernet, memoryStore, sqliteStore } from '@drawbridge/storage'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Canaries, found, liveThrough, openCanaries } from '../support/canaries.ts'
import { challenge, type House, openHouse, redirectUri } from '../support/house.ts'
import { comeToCallback } from '../support/tab.ts'
import { type WatchedStore, type Written, watchedStore } from '../support/watched-store.ts'

const day = 86_400

/** What is no secret by itself and tells who uses what: not in any name, and not in any sealed value. */
const personal: readonly [string, string][] = [
  ['e-mail address', 'octocat@example.com'],
  ['login name', 'octocat'],
  ['name', 'The Octocat'],
  ['redirect URI', redirectUri],
  ['resource', 'http://localhost:8000/mcp'],
  ['any URL', 'http:'],
  ['challenge', challenge],
  ['client name', 'A test'],
]

function withPersonal(canaries: Canaries): Canaries {
  return { ...canaries, secrets: new Map([...canaries.secrets, ...personal]) }
}

describe.each(['oauth-app', 'github-app'] as const)('after everything was done with an upstream of the kind %s,', (mode) => {
  const canaries = openCanaries()
  let store: WatchedStore
  let house: House
  let answers: string[]

  beforeAll(async () => {
    const world = openHouse({ mode })
    store = watchedStore(encrypted(memoryStore(world), fernet(createFernetKey(), world), world))
    house = openHouse({ beside: world, clientStorage: store, lifetimes: { accessToken: 10 * day } })
    answers = await liveThrough(house, canaries)
  })

  it('there is something to look for', () => {
    expect(canaries.secrets.size).toBeGreaterThan(20)
    expect(store.written.length).toBeGreaterThan(30)
    expect(house.events.length).toBeGreaterThan(30)
    expect(answers.length).toBeGreaterThan(15)
  })

  it('no name of an entry or a list tells a secret, a person or a URL (T89, I7)', () => {
    const names = store.written.map(({ key }) => key)
    expect(found(withPersonal(canaries), names.join('\n'))).toEqual([])
    const kinds = new Set(names.map((name) => name.replace(/[A-Za-z0-9_-]{43}$/, '#')))
    const space = 'drawbridge-0121783acd'
    expect([...kinds].sort()).toEqual(
      ['client-grants', 'client', 'clients', 'deployment', 'grant', 'lease', 'subject-grants', 'transaction'].map((kind) =>
        kind === 'deployment' ? `${space}:deployment` : `${space}:${kind}:#`,
      ),
    )
  })

  it('a name is keyed: whoever knows an id cannot find its entry, for another deployment names it otherwise (T89, I7)', async () => {
    const world = openHouse({ mode })
    world.environment.randomBytes(1)
    const others = watchedStore(memoryStore(world))
    await openHouse({ beside: world, clientStorage: others }).login()
    const [mine, theirs] = [store, others].map((each) => new Set(each.keysOf('subject-grants')))
    expect([mine?.size, theirs?.size]).toEqual([1, 1])
    expect(mine).not.toEqual(theirs)
  })

  it('even the opened values have no code, no token of ours, no cookie and no client secret: hashes at most (T90, I7)', () => {
    // But for what a browser is answered that asks again within the minute: its code is over by then.
    const isAnswer = ({ key, value }: Written) => key.includes(':transaction:') && value.includes('"is":"done"')
    expect(store.written.filter(isAnswer).length).toBeGreaterThan(3)
    const values = store.written.flatMap((written) => (isAnswer(written) ? [] : [written.value])).join('\n')
    const ours = [...canaries.secrets].filter(([name]) => /^(code|access|refresh|cookie|secret)/.test(name))
    expect(ours.length).toBeGreaterThan(10)
    expect(ours.flatMap(([name, secret]) => (values.includes(secret) ? [name] : []))).toEqual([])
  })

  it('every entry and every member ends (I8, REL-R24)', () => {
    const longest = { client: 430 * day, grant: 365 * day, transaction: 900, lease: 15, deployment: 400 * day }
    for (const { key, ttl } of store.written) {
      const [, kind = ''] = key.split(':')
      const most = kind in longest ? Reflect.get(longest, kind) : kind === 'clients' ? 430 * day : 365 * day
      expect([key, ttl > 0 && ttl <= most]).toEqual([key, true])
    }
  })

  it('no event tells a secret, whatever of it is looked at (T98, I7, REL-R40)', () => {
    expect(found(canaries, inspect(house.events, { depth: 10, showHidden: true }))).toEqual([])
    expect(
      house.events.flatMap((event) => Object.values(event).filter((value) => !/^(string|number|undefined)$/.test(typeof value))),
    ).toEqual([])
  })

  it('no refusal tells a secret (T98, I7)', () => {
    expect(found(canaries, answers.join('\n'))).toEqual([])
  })

  it('a log of the provider itself tells no secret (T98)', () => {
    const text = `${inspect(house.auth, { depth: 20 })} ${JSON.stringify(house.auth)} ${String(house.auth)}`
    expect(found(canaries, text)).toEqual([])
  })
})

describe('a sealed file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-dump-'))
  const path = join(folder, 'store.db')
  const key = createFernetKey()
  const canaries = openCanaries()

  beforeAll(async () => {
    const world = openHouse({ mode: 'github-app' })
    const sqlite = sqliteStore(path, world)
    const house = openHouse({
      beside: world,
      clientStorage: encrypted(sqlite, fernet(key, world), world),
      lifetimes: { accessToken: 10 * day },
    })
    await liveThrough(house, canaries)
    await comeToCallback(house)
    canaries.add('storage key', key)
    sqlite.close()
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('has none of it in any of its bytes, nor in those beside it (T89, T90, R103, I7)', () => {
    const files = readdirSync(folder)
    expect(files).toContain('store.db')
    for (const file of files)
      expect([file, found(withPersonal(canaries), readFileSync(join(folder, file)).toString('latin1'))]).toEqual([file, []])
  })

  it('has an end for every row (I8, REL-R24)', () => {
    const database = new DatabaseSync(path, { readOnly: true })
    for (const table of ['entries', 'members']) {
      const rows = database.prepare(`SELECT count(*) AS all_rows, min(ends_at) AS first, max(ends_at) AS last FROM ${table}`).get()
      expect(Number(rows?.all_rows)).toBeGreaterThan(3)
      expect(Number(rows?.first)).toBeGreaterThan(1_767_268_800)
      expect(Number(rows?.last)).toBeLessThanOrEqual(1_767_268_800 + 431 * day)
    }
    database.close()
  })

  it('would show all of it without the seal, so that the look is a good one', async () => {
    const world = openHouse({ mode: 'github-app' })
    const plain = join(folder, 'plain.db')
    const sqlite = sqliteStore(plain, world)
    const clientStorage: Store = sqlite
    const house = openHouse({ beside: world, clientStorage, dangerouslyStorePlain: true })
    await house.login()
    await house.environment.drain()
    sqlite.close()
    const seen = found(withPersonal(canaries), readFileSync(plain).toString('latin1'))
    expect(seen).toEqual(expect.arrayContaining(['e-mail address', 'redirect URI', 'resource', 'client name', 'challenge']))
    rmSync(plain)
  })
})
