import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serveStandIn } from '@drawbridge/quickstart/stand-in'
import { createFernetKey } from '@drawbridge/storage'
import { startBalancer } from './balancer.ts'
import { type Redis, startRedis } from './redis.ts'
import { startWorkers, type Workers } from './workers.ts'

/** Where the state is: a Redis of our own, one that is there already, or a file. */
export type Storage = { readonly kind: 'redis' } | { readonly kind: 'redis'; readonly url: string } | { readonly kind: 'sqlite' }

/** A server made of several processes. */
export interface Cluster {
  readonly mcpUrl: string
  readonly workers: Workers
  /** Absent when the state is elsewhere. */
  readonly redis?: Redis
  close(): Promise<void>
}

/** Starts everything: the store, the stand-in for GitHub, the balancer and the workers. Keys are made for this one time. */
export async function startCluster(storage: Storage, count: number, say: (line: string) => void, port?: number): Promise<Cluster> {
  const redis = storage.kind === 'redis' && !('url' in storage) ? await startRedis(say) : undefined
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-cluster-'))
  let workers: Workers | undefined
  const balancer = await startBalancer(() => workers?.living.map((worker) => worker.port) ?? [], port)
  const credentials = { clientId: 'cluster', clientSecret: randomBytes(24).toString('base64url') }
  const github = await serveStandIn({ ...credentials, callbackUrl: `${balancer.url}/auth/callback` })
  workers = startWorkers({
    count,
    say,
    env: {
      BASE_URL: balancer.url,
      GITHUB_URL: github.url,
      GITHUB_CLIENT_ID: credentials.clientId,
      GITHUB_CLIENT_SECRET: credentials.clientSecret,
      JWT_SIGNING_KEY: randomBytes(48).toString('base64url'),
      STORAGE_ENCRYPTION_KEY: createFernetKey(),
      ...(storage.kind === 'sqlite' ? { SQLITE_FILE: join(folder, 'cluster.db') } : { REDIS_URL: redis?.url ?? urlOf(storage) }),
    },
  })
  await workers.complete()
  const started = workers
  return {
    mcpUrl: `${balancer.url}/mcp`,
    workers,
    ...(redis && { redis }),
    async close() {
      await balancer.close()
      await started.close()
      await github.close()
      await redis?.close()
      rmSync(folder, { recursive: true })
    },
  }
}

function urlOf(storage: Storage): string {
  return 'url' in storage ? storage.url : ''
}
