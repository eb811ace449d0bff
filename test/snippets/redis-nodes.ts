import { redisStore } from '@drawbridge/storage'

const { REDIS_PASSWORD = '' } = process.env

//#region redis-nodes
export const cluster = redisStore({
  rootNodes: [{ url: 'rediss://redis-1:6379' }, { url: 'rediss://redis-2:6379' }, { url: 'rediss://redis-3:6379' }],
  defaults: { username: 'drawbridge', password: REDIS_PASSWORD, socket: { tls: true } },
})

export const bySentinel = redisStore({
  name: 'main',
  sentinelRootNodes: [
    { host: 'sentinel-1', port: 26379 },
    { host: 'sentinel-2', port: 26379 },
    { host: 'sentinel-3', port: 26379 },
  ],
  sentinelClientOptions: { username: 'drawbridge', password: REDIS_PASSWORD, socket: { tls: true } },
  nodeClientOptions: { username: 'drawbridge', password: REDIS_PASSWORD, socket: { tls: true } },
})
//#endregion
