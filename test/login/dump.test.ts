import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { inspect } from 'node:util'
import type { Store } from '@drawbridge/core'
import { createFernetKey, encrypted, fernet, memoryStore, sqliteStore } from '@drawbridge/storage'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { challenge, type House, openHouse, redirectUri, signingKey, type TokenAnswer, verifier } from '../support/house.ts'
import { comeToCallback, openTab } from '../support/tab.ts'
import { takeCode } from '../support/take-code.ts'
import { detour } from '../support/upstream-detour.ts'
import { type WatchedStore, type Written, watchedStore } from '../support/watched-store.ts'

const day = 86_400

/** What must be found nowhere: everything that anybody could use, forge or link a credential with (invariant I7). */
interface Canaries {
  /** Named, so that a failure says which. */
  readonly secrets: ReadonlyMap<string, string>
  add(name: string, secret: string | null | undefined): void
}

function openCanaries(): Canaries {
  const secrets = new Map<string, string>()
  return {
    secrets,
    add(name, secret) {
      if (!secret || secret.length < 8) throw new Error(`${name} is no canary: ${secret}`)
      secrets.set(`${name} ${secrets.size}`, secret)
    },
  }
}

/** Which canaries a text has in it, as they are or encoded. */
function found({ secrets }: Canaries, text: string): string[] {
  return [...secrets].flatMap(([name, secret]) =>
    [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=+$/, '')].some((form) => text.includes(form))
      ? [name]
      : [],
  )
}

/** Does everything that can be done, right and wrong, and collects every secret that shows up, and every answer's text. */
async function liveThrough(house: House, canaries: Canaries): Promise<string[]> {
  const answers: string[] = []
  const note = async (answer: Response): Promise<Response> => {
    answers.push(JSON.stringify([...answer.headers]), await answer.clone().text())
    return answer
  }
  const knock = async (token: string) => {
    const request = new Request('http://localhost:8000/mcp', { headers: { authorization: `Bearer ${token}` } })
    const who = await house.auth.authenticate(request)
    if (who instanceof Response) await note(who)
  }

  const state = 'client-state-0123456789'
  const { tab, clientId, state: upstreamState, callback } = await comeToCallback(house, { state })
  for (const [name, value] of tab.cookies) canaries.add(`cookie ${name}`, value)
  canaries.add('client state', state)
  canaries.add('upstream state', upstreamState)
  canaries.add('upstream code', new URL(callback).searchParams.get('code'))
  const { location } = await tab.open(callback)
  const code = new URL(location).searchParams.get('code') ?? ''
  canaries.add('code', code)
  canaries.add('code secret', code.split('.')[1])

  await note(await house.redeem(clientId, code, { code_verifier: `${verifier}-wrong` }))
  await note(await house.redeem(clientId, code, { client_secret: 'secret-of-nobody-01' }))
  await note(await house.redeem('unknown-client', code, { client_secret: 'secret-of-nobody-01' }))
  await note(await house.redeem(clientId, code, { resource: 'https://other-resource.example/mcp' }))
  const tokens: TokenAnswer = await (await house.redeem(clientId, code, { redirect_uri: redirectUri })).json()
  canaries.add('access token', tokens.access_token)
  canaries.add('refresh token', tokens.refresh_token)
  canaries.add('refresh token mac', tokens.refresh_token.split('.')[2])
  await knock(tokens.access_token)
  await knock(`${tokens.access_token}x`)
  await note(await house.refresh(clientId, `${tokens.refresh_token}x`))

  const who = await house.auth.verifyAccessToken(tokens.access_token)
  const { accessToken } = await house.auth.upstream(who)
  canaries.add('upstream access token', accessToken)
  house.environment.advance(8 * 3600 - 240)
  const refreshToken = await upstreamRefreshTokenSent(house, async () => {
    const next: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token)).json()
    canaries.add('access token', next.access_token)
    canaries.add('refresh token', next.refresh_token)
    await knock(next.access_token)
    await house.environment.drain()
  })
  if (refreshToken) canaries.add('upstream refresh token', refreshToken)
  const fresh = await house.auth.upstream(who)
  if (fresh.accessToken !== accessToken) canaries.add('upstream access token', fresh.accessToken)

  const replayed = await takeCode(house)
  canaries.add('code', replayed.code)
  for (let n = 0; n < 2; n += 1) {
    const answer = await house.redeem(replayed.clientId, replayed.code)
    if (answer.ok) canaries.add('access token', (await answer.json()).access_token)
    else await note(answer)
  }
  await note(await house.post('/revoke', { client_id: clientId, token: fresh.accessToken }))
  await note(await house.post('/revoke', { client_id: clientId, token: tokens.refresh_token }))
  await knock(tokens.access_token)
  house.github.misbehave({ token: 'status-500' })
  const failed = await comeToCallback(house)
  canaries.add('upstream code', new URL(failed.callback).searchParams.get('code'))
  await failed.tab.open(failed.callback)
  house.github.misbehave({})
  const back = detour(house, async () => Response.json({ error: 'invalid_client', error_description: 'canary-of-the-upstream' }))
  const worse = await comeToCallback(house)
  await worse.tab.open(worse.callback)
  back()
  await note(await house.call('/authorize?client_id=unknown-client&redirect_uri=https://evil.example/callback&state=evil-state-012345'))
  const denied = openTab(house)
  await denied.decide(await denied.open(house.authorizeUrl(clientId, { state: 'denied-state-012345' })), 'deny')
  await house.login()
  await house.environment.drain()

  for (const secret of ['upstream-secret', 'canary-of-the-upstream', 'secret-of-nobody-01', signingKey, verifier])
    canaries.add('secret', secret)
  return answers
}

/** The upstream refresh token that was sent while `work` was done. */
async function upstreamRefreshTokenSent(house: House, work: () => Promise<void>): Promise<string | undefined> {
  const before = house.github.received.length
  await work()
  const sent = house.github.received.slice(before).map(({ body }) => new URLSearchParams(body).get('refresh_token'))
  return sent.find((token) => token !== null) ?? undefined
}

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
