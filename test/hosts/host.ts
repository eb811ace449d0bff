import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { ConfigurationError, type Environment, type OAuthProxy, type Store, StoreUnavailable, systemEnvironment } from '@drawbridge/core'
import { mcpApp } from '@drawbridge/core/hono'
import { serve } from '@drawbridge/core/node'
import { GitHubProvider } from '@drawbridge/providers/github'
import { encrypted, fernet, redisStore, sqliteStore } from '@drawbridge/storage'
import { postgresStore } from '@drawbridge/storage/postgres'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { freesLeases, hidesLostRaces, keepsLeases, publishesFirst, writesBehind } from './careless-stores.ts'
import { faultPoints } from './fault-points.ts'
import { looksThenWrites } from './looks-then-writes.ts'
import type { HostMeasure, HostOrder, HostPlan, HostReport, HostStore, Planting } from './messages.ts'
import { swallowsErrors } from './swallows-errors.ts'

// One host of a deployment, in a process of its own: started with its plan, it reports where it listens and what happens.

const plan: HostPlan = JSON.parse(process.argv[2] ?? '')
const signingKey = 'first-signing-key-0123456789-abcdefghijklmnop'
const report = (what: HostReport) => process.send?.(what)

const doubles = {
  redis: (store: Store) => store,
  'looks-then-writes': looksThenWrites,
  'writes-behind': writesBehind,
  'publishes-first': publishesFirst,
  'keeps-leases': keepsLeases,
  'frees-leases': freesLeases,
  'hides-lost-races': hidesLostRaces,
  'swallows-errors': swallowsErrors,
}

/** What must not happen, for the test that shows that it would not go unnoticed. */
const plantings: Record<Planting, () => unknown> = {
  rejection: () => void Promise.reject(new Error('planted')),
  exception: () =>
    setImmediate(() => {
      throw new Error('planted')
    }),
  'error event': () => setImmediate(() => new EventEmitter().emit('error', new Error('planted'))),
}

const loop = monitorEventLoopDelay({ resolution: 5 })
loop.enable()
let kept = 0
let before = workedHere()
setInterval(() => {
  const now = workedHere()
  kept = Math.max(kept, now - before)
  before = now
}, 5).unref()

let ahead = plan.ahead
const system = systemEnvironment()
const moved: Environment = { ...system, now: () => system.now() + ahead + (plan.skew ?? 0) }
const points = plan.mortal ? faultPoints() : undefined
const environment = points?.outside(moved) ?? moved

let auth: GitHubProvider | undefined
process.on('message', async (order: HostOrder) => {
  if ('advance' in order) {
    ahead += order.advance
    report({ is: 'moved' })
  } else if ('endAt' in order) {
    points?.endAt(order.endAt)
    report({ is: 'armed' })
  } else if ('tell' in order) {
    await environment.drain()
    report({ is: 'crossed', points: points?.crossed ?? [] })
  } else if ('measure' in order) {
    report({ is: 'measured', measure: measure() })
  } else if ('plant' in order) {
    plantings[order.plant]()
  } else if (auth) {
    report({ is: 'rotated', resealed: await auth.rotateStorageKey() })
  }
})
// Whoever started it is gone.
process.on('disconnect', () => process.exit(1))
// What nobody handles ends the process, as everywhere. This says first what it was, by the one way that is sure to arrive.
process.on('uncaughtExceptionMonitor', (error, origin) => process.stderr.write(`${origin}: ${error.message}\n`))

try {
  await start()
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error
  report({ is: 'refused', problems: error.problems })
  process.exitCode = 1
  process.disconnect()
}

async function start(): Promise<void> {
  const { baseUrl, serverUrl, clientId, clientSecret, storageKey, namespace, signingKeys = [signingKey] } = plan
  const opened = inOurTime(openStore(plan.store))
  const store = points?.around(opened) ?? opened
  const server = new GitHubProvider(
    {
      baseUrl,
      serverUrl,
      clientId,
      clientSecret,
      jwtSigningKey: signingKeys,
      hosts: store.reach === 'shared' ? 'many' : 'one',
      ...(storageKey === undefined
        ? { clientStorage: store, dangerouslyStorePlain: true }
        : { clientStorage: encrypted(store, fernet(storageKey.split(' '), { environment }), { environment }) }),
      ...(namespace !== undefined && { namespace }),
      // Every request of a test comes from one address.
      limits: { rateLimit: false },
      ...plan.options,
      ...(!plan.silent && { onEvent: (event) => report({ is: 'event', event }) }),
    },
    environment,
  )
  // A store that is away comes back; what is wrong with ours does not pass.
  auth = server
  await server.ready().catch((cause: unknown) => {
    if (!(cause instanceof StoreUnavailable)) throw cause
  })
  const app = mcpApp({
    auth: server,
    mcp: createMcpHandler(() => mcpServer(server)),
    health: true,
    ...(plan.toolScopes && { toolScopes: plan.toolScopes }),
  })
  const { port } = await serve(points?.answering(app) ?? app, { port: 0, print: () => {}, closing: () => server.close() })
  report({ is: 'listening', port })
}

/** What moves the clocks of a deployment moves that of its store. */
function inOurTime(store: Store): Store {
  const { examine } = store
  if (!examine) return store
  return {
    ...store,
    async examine() {
      const { now, findings } = await examine()
      return { findings, ...(now !== undefined && { now: now + ahead }) }
    },
  }
}

function openStore(store: HostStore): Store {
  if (store.kind === 'redis-nodes') return redisStore(store.target, { environment })
  if (store.kind === 'sqlite') return sqliteStore(store.path, { environment })
  if (store.kind === 'postgres') return postgresStore(store.url, { environment })
  return doubles[store.kind](redisStore(store.url, { environment }))
}

function mcpServer(auth: OAuthProxy): McpServer {
  const server = new McpServer({ name: 'a host', version: '1.0.0' })
  server.registerTool('whoami', { description: 'Who calls, and which process answers.' }, ({ http }) => ({
    content: [{ type: 'text', text: JSON.stringify({ subject: http?.authInfo?.extra?.subject, pid: process.pid }) }],
  }))
  server.registerTool('upstream', { description: 'Which upstream token a tool gets, as its hash.' }, async ({ http }) => {
    const { accessToken } = await auth.upstream(http?.authInfo ?? {})
    return { content: [{ type: 'text', text: createHash('sha256').update(accessToken).digest('hex') }] }
  })
  return server
}

function measure(): HostMeasure {
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  const [late, longest, { user, system }] = [loop.max / 1e6, kept, process.cpuUsage()]
  loop.reset()
  kept = 0
  // Without the work for this measure.
  before = workedHere()
  return { rss, heapUsed, resources: process.getActiveResourcesInfo().length, late, kept: longest, worked: (user + system) / 1e3 }
}

/** The time that this thread worked, in milliseconds; before Node 24, all of them. */
function workedHere(): number {
  const { user, system } = process.threadCpuUsage?.() ?? process.cpuUsage()
  return (user + system) / 1e3
}
