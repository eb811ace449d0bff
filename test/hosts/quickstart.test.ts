import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serveStandIn } from '@drawbridge/quickstart/stand-in'
import { createFernetKey } from '@drawbridge/storage'
import { afterEach, expect, it, vi } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { signingKey } from '../support/house.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { startRedis } from '../support/redis-server.ts'
import { callTool, readTokens, redeem, register, takeCode } from './client.ts'
import type { Place } from './hosts.ts'

// Processes start, and wait for each other; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const main = fileURLToPath(new URL('../../examples/quickstart/dist/main.js', import.meta.url))

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** Starts `npm start`'s program in a folder of its own, with nothing set but `env`. */
async function startQuickstart(baseUrl: string, env: Record<string, string>) {
  const [port, folder] = [await freePort(), mkdtempSync(join(tmpdir(), 'drawbridge-hosts-'))]
  const child = spawn(process.execPath, [main], { cwd: folder, env: { ...env, PORT: String(port) } })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk))
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal)
  open.push(async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true })
  })
  await expect.poll(() => printed, { timeout: 15_000 }).toContain('Stop with Ctrl+C.')
  const place: Place = {
    fetch: (url, init) => fetch(url.replace(baseUrl, '').replace(/^\//, `http://127.0.0.1:${port}/`), { redirect: 'manual', ...init }),
  }
  return {
    ...place,
    printed: () => printed,
    stop(): Promise<unknown> {
      child.kill('SIGTERM')
      return ended
    },
  }
}

it('two quickstarts with STORAGE_URL=redis:// and HOSTS=many wait for their Redis, share every login, and stop when it is away', async () => {
  const redis = await startRedis('--user', 'me', 'on', '>a-password-of-redis', '~*', '+@all')
  open.push(() => redis.close())
  const baseUrl = `http://localhost:${await freePort()}`
  const github = await serveStandIn({ clientId: 'app', clientSecret: 'hush', callbackUrl: `${baseUrl}/auth/callback` })
  open.push(() => github.close())
  const env = {
    BASE_URL: baseUrl,
    HOSTS: 'many',
    STORAGE_URL: `redis://me:a-password-of-redis@127.0.0.1:${redis.port}/1`,
    JWT_SIGNING_KEY: signingKey,
    STORAGE_ENCRYPTION_KEY: createFernetKey(),
    GITHUB_CLIENT_ID: 'app',
    GITHUB_CLIENT_SECRET: 'hush',
    GITHUB_SERVER_URL: github.url,
  }
  await redis.kill()
  const [a, b] = await Promise.all([startQuickstart(baseUrl, env), startQuickstart(baseUrl, env)])
  for (const { printed } of [a, b]) {
    expect(printed()).toContain('The store cannot be reached. Until it can, requests are answered 503')
    expect(printed()).toContain(`  State     in the Redis at 127.0.0.1:${redis.port}, shared with the other hosts\n`)
    expect(printed()).not.toContain('a-password-of-redis')
  }
  const ready = () => Promise.all([a, b].map(async (place) => (await place.fetch('/ready')).status))
  expect(await ready()).toEqual([503, 503])

  await redis.start()
  await expect.poll(ready, { timeout: 5_000 }).toEqual([200, 200])
  const clientId = await register(a)
  const code = await takeCode({ baseUrl }, clientId, { authorize: b, consent: a, callback: b })
  const tokens = await readTokens(await redeem(a, clientId, code))
  for (const place of [a, b]) expect(await (await callTool(place, tokens.access_token)).text()).toContain('583231')

  expect(await a.stop()).toBe(0)
  await redis.kill()
  expect(await b.stop()).toBe(0)
})

it('a quickstart with STORAGE_URL=postgres:// and HOSTS=many keeps its logins there, tells no password, and stops when it is away', async () => {
  const postgres = await startPostgres()
  open.push(() => postgres.close())
  const baseUrl = `http://localhost:${await freePort()}`
  const github = await serveStandIn({ clientId: 'app', clientSecret: 'hush', callbackUrl: `${baseUrl}/auth/callback` })
  open.push(() => github.close())
  const env = {
    BASE_URL: baseUrl,
    HOSTS: 'many',
    STORAGE_URL: postgres.url,
    JWT_SIGNING_KEY: signingKey,
    STORAGE_ENCRYPTION_KEY: createFernetKey(),
    GITHUB_CLIENT_ID: 'app',
    GITHUB_CLIENT_SECRET: 'hush',
    GITHUB_SERVER_URL: github.url,
  }
  const [a, b] = await Promise.all([startQuickstart(baseUrl, env), startQuickstart(baseUrl, env)])
  expect(a.printed()).toContain(`  State     in the PostgreSQL at 127.0.0.1:${postgres.port}, shared with the other hosts\n`)
  expect(a.printed()).not.toContain('of-a-test')
  const ready = () => Promise.all([a, b].map(async (place) => (await place.fetch('/ready')).status))
  await expect.poll(ready, { timeout: 5_000 }).toEqual([200, 200])
  const clientId = await register(a)
  const code = await takeCode({ baseUrl }, clientId, { authorize: b, consent: a, callback: b })
  const tokens = await readTokens(await redeem(a, clientId, code))
  for (const place of [a, b]) expect(await (await callTool(place, tokens.access_token)).text()).toContain('583231')

  expect(await a.stop()).toBe(0)
  postgres.freeze()
  expect(await b.stop()).toBe(0)
})
