import { ensureProgram } from './ensure-program.mjs'

/**
 * The variable by which the tests find redis-server. They start, kill and freeze servers of their own on free ports; with
 * REDIS_URL set, the contract of stores runs on that one too.
 */
export function ensureRedis() {
  const path = ensureProgram({
    what: 'redis-server',
    variable: 'REDIS_SERVER',
    names: ['redis-server', 'valkey-server'],
    debian: 'redis-server',
    howToGetIt: `  macOS   brew install redis
  Debian  sudo apt-get update && sudo apt-get install -y redis-server
  Docker  docker run --rm -v "$PWD":/src:ro node:24-bookworm sh -c 'cp -r /src /app && cd /app && npm ci && npm test'`,
  })
  return { REDIS_SERVER: path }
}
