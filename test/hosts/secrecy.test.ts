import { ConfigurationError } from '@drawbridge/core'
import { openBrowser } from '@drawbridge/quickstart/driver'
import { createFernetKey } from '@drawbridge/storage'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { atMost } from '../support/at-most.ts'
import { challenge, redirectUri, verifier } from '../support/house.ts'
import { dumpRedis, dumpRedisFiles } from '../support/redis-dump.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import {
  askToRegister,
  authorizePath,
  callTool,
  login,
  post,
  readTokens,
  redeem,
  refresh,
  register,
  revoke,
  takeCode,
  toolStatus,
} from './client.ts'
import { type Hosts, type HostsOptions, startHosts } from './hosts.ts'

// Processes start, and wait for each other; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let redis: RedisServer
let running: Hosts[] = []
beforeEach(async () => {
  redis = await startRedis()
})
afterEach(async () => {
  await Promise.all(running.map((hosts) => hosts.close()))
  running = []
  await redis?.close()
})

async function start(options: Partial<HostsOptions> = {}): Promise<Hosts> {
  const hosts = await startHosts({ count: 1, store: { kind: 'redis', url: redis.url }, ...options })
  running.push(hosts)
  return hosts
}

/** What nobody who reads Redis may find, by what it is. */
type Canaries = Record<string, string>

/** Registers a client that has a secret, and uses it; answers the secret. */
async function useSecret(hosts: Hosts): Promise<string> {
  const answer = await askToRegister(hosts, { token_endpoint_auth_method: 'client_secret_post' })
  const { client_id: clientId, client_secret: secret } = await answer.json()
  const fields = { client_id: clientId, client_secret: secret, token: 'of nobody' }
  expect((await post(hosts, '/revoke', fields)).status).toBe(200)
  expect((await post(hosts, '/revoke', { ...fields, client_secret: 'another' })).status).toBe(401)
  return secret
}

/**
 * Logs somebody in, refreshes, calls a tool, and leaves one login at each place where it can be left: a code that nobody
 * redeemed, and an approval that nobody followed up.
 */
async function useEverything(hosts: Hosts): Promise<Canaries> {
  const clientId = await register(hosts)
  const secrets: Canaries = {}
  const browser = openBrowser({
    stopAt: redirectUri,
    async fetch(url, init) {
      const answer = await hosts.fetch(url, init)
      for (const line of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^drawbridge-(form|login)-[^=]*=([^;]*)/.exec(line) ?? []
        secrets[`${name} cookie`] = value
      }
      return answer
    },
  })
  const question = await browser.open(`${hosts.baseUrl}${authorizePath(clientId)}`)
  const signIn = await browser.press(question, 'Allow')
  secrets['state sent upstream'] = new URL(signIn.url).searchParams.get('state') ?? ''
  const end = new URL((await browser.press(signIn, 'Sign in', { login: 'octocat' })).url)
  secrets.code = end.searchParams.get('code') ?? ''
  const first = await readTokens(await redeem(hosts, clientId, secrets.code))
  const second = await readTokens(await refresh(hosts, clientId, first.refresh_token))
  expect(await toolStatus(hosts, second.access_token)).toBe(200)
  secrets['unredeemed code'] = await takeCode(hosts, clientId, { authorize: hosts, consent: hosts, callback: hosts })
  await browser.press(await browser.open(`${hosts.baseUrl}${authorizePath(clientId)}`), 'Allow')
  const { received } = hosts.github
  const exchange = received.find(({ endpoint }) => endpoint === 'token')
  const bearer = received.find(({ endpoint }) => endpoint === 'user')
  return {
    ...secrets,
    'access token': first.access_token,
    'refresh token': first.refresh_token,
    'mac of a refresh token': first.refresh_token.split('.').at(-1) ?? '',
    'second access token': second.access_token,
    'second refresh token': second.refresh_token,
    'secret of a code': secrets.code.split('.').at(-1) ?? '',
    'upstream code': new URLSearchParams(exchange?.body).get('code') ?? '',
    'upstream verifier': new URLSearchParams(exchange?.body).get('code_verifier') ?? '',
    'upstream access token': bearer?.authorization?.replace('Bearer ', '') ?? '',
    'upstream client secret': 'upstream-secret-e71bd0',
    'client secret': await useSecret(hosts),
    "client's verifier": verifier,
    "client's challenge": challenge,
    "client's state": 'the-state-of-the-client',
    'e-mail address': 'octocat@example.com',
    'login name': 'octocat',
    'name of the person': 'The Octocat',
    'redirect URI': redirectUri,
    'public URL': hosts.baseUrl,
    'upstream URL': hosts.github.url,
  }
}

/** Which canaries are in there: as they are, in base64, in hexadecimal, or as parts of a URL or of JSON. */
function findCanaries(bytes: Buffer, canaries: Canaries): string[] {
  const text = bytes.toString('latin1')
  return Object.entries(canaries).flatMap(([name, secret]) => {
    expect(secret, name).toMatch(/.{5}/)
    const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      // Where in a longer text it is, is not known: three places to begin make three different texts, their ends left out.
      for (const shift of [0, 1, 2]) {
        const encoded = Buffer.from('x'.repeat(shift) + secret).toString(encoding)
        forms.push(encoding === 'hex' ? encoded.slice(shift * 2) : encoded.slice(shift === 0 ? 0 : 4, -4).replace(/=+$/, ''))
      }
    }
    // Short ends are found in anything.
    return forms.some((form) => (form === secret || form.length >= 8) && text.includes(form)) ? [name] : []
  })
}

describe('whoever reads the whole Redis', () => {
  it('finds no code, token, secret, cookie, state, verifier, person or URL: in no name, no value and no file (T89, T90)', async () => {
    const hosts = await start()
    const canaries = await useEverything(hosts)
    const keys = await dumpRedis(redis.port)
    expect(keys.length).toBeGreaterThan(7)
    for (const { key, values } of keys) expect([key, findCanaries(Buffer.from([key, ...values].join('\n')), canaries)]).toEqual([key, []])
    const files = await dumpRedisFiles(redis.port)
    expect(files.map(({ name }) => name.replace(/\.\d+\./, '.'))).toEqual(expect.arrayContaining(['dump.rdb', 'appendonly.aof.incr.aof']))
    for (const { name, bytes } of files) expect([name, findCanaries(bytes, canaries)]).toEqual([name, []])
  })

  it('would find most of it in a store that is not sealed, so the search can find something; tokens and cookies not even there', async () => {
    const hosts = await start({ storageKey: 'plain' })
    const canaries = await useEverything(hosts)
    const found = findCanaries(Buffer.from((await dumpRedis(redis.port)).flatMap(({ values }) => values).join('\n')), canaries)
    expect(found.sort()).toEqual([
      "client's challenge",
      "client's state",
      // The browser that repeats the callback gets the same answer again, for as long as the code lives.
      'code',
      'e-mail address',
      'login name',
      'name of the person',
      'public URL',
      'redirect URI',
      'secret of a code',
      'unredeemed code',
      'upstream URL',
      'upstream access token',
      'upstream verifier',
    ])
    for (const { name, bytes } of await dumpRedisFiles(redis.port)) {
      if (/^dump|incr/.test(name)) expect(findCanaries(bytes, canaries), name).toEqual(expect.arrayContaining(found))
    }
  })
})

describe('two deployments on one Redis', () => {
  it('know nothing of each other: no client, code, token or key, though their keys are the same (T60, T97)', async () => {
    const storageKey = createFernetKey()
    const [one, two] = [await start({ storageKey }), await start({ storageKey })]
    const { clientId, tokens } = await login(one)
    const code = await takeCode(one, clientId, { authorize: one, consent: one, callback: one })
    const [there] = [await login(two)]

    const refused = await redeem(two, clientId, code)
    expect([refused.status, await refused.json()]).toEqual([401, expect.objectContaining({ error: 'invalid_client' })])
    const asAnother = await redeem(two, there.clientId, code)
    expect([asAnother.status, await asAnother.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
    const refreshed = await refresh(two, there.clientId, tokens.refresh_token)
    expect([refreshed.status, await refreshed.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
    expect((await callTool(two, tokens.access_token)).status).toBe(401)
    expect((await two.fetch(authorizePath(clientId))).status).toBe(400)
    expect((await revoke(two, there.clientId, tokens.refresh_token)).status).toBe(200)

    expect((await redeem(one, clientId, code)).status).toBe(200)
    expect([await toolStatus(one, tokens.access_token), await toolStatus(two, there.tokens.access_token)]).toEqual([200, 200])
    const namespaces = new Set((await dumpRedis(redis.port)).map(({ key }) => key.split(':')[0]))
    expect([...namespaces]).toEqual([
      expect.stringMatching(/^drawbridge-[0-9a-f]{10}$/),
      expect.stringMatching(/^drawbridge-[0-9a-f]{10}$/),
    ])
  })

  it('do not start under one namespace (T97)', async () => {
    const storageKey = createFernetKey()
    await start({ storageKey, namespace: 'taken' })
    const second = start({ storageKey, namespace: 'taken' })
    await expect(second).rejects.toThrow(ConfigurationError)
    await expect(second).rejects.toThrow(
      /^Drawbridge cannot start:\n {2}- the store belongs to the issuer http:\/\/127\.0\.0\.1:\d+ in the namespace taken, not to/,
    )
  })
})

describe('a host', () => {
  it('does not start with another storage key than the one that sealed the store, and changes nothing there', async () => {
    const hosts = await start()
    const port = Number(new URL(hosts.baseUrl).port)
    const before = await dumpRedis(redis.port)
    const other = start({ port, storageKey: createFernetKey() })
    await expect(other).rejects.toThrow(ConfigurationError)
    await expect(other).rejects.toThrow('the storage key does not open the store')
    const values = (keys: typeof before) => keys.map(({ key, values }) => ({ key, values }))
    expect(values(await dumpRedis(redis.port))).toEqual(values(before))
  })

  it('leaves no key without an end, after logins, replays, revocations and a flood of registrations (REL-R24)', async () => {
    const hosts = await start({ count: 2, mode: 'github-app' })
    await useEverything(hosts)
    const { clientId, tokens } = await login(hosts)
    await revoke(hosts, clientId, tokens.access_token)
    await hosts.advance(28_800)
    const again = await login(hosts)
    expect((await refresh(hosts, again.clientId, again.tokens.refresh_token)).status).toBe(200)
    await atMost(20, Array.from({ length: 300 }), () => register(hosts))
    const keys = await dumpRedis(redis.port)
    expect(keys.length).toBeGreaterThan(300)
    const longest = 430 * 86_400 + 60
    expect(keys.filter(({ ttl }) => ttl <= 0 || ttl > (longest + 28_800) * 1000)).toEqual([])
    expect(new Set(keys.map(({ key }) => key.split(':')[1]))).toEqual(
      new Set(['deployment', 'client', 'clients', 'transaction', 'grant', 'subject-grants', 'client-grants']),
    )
  })
})
