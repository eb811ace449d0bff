import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ensureProgram } from './ensure-program.mjs'

/** The variable by which the tests find `postgres`, with `initdb` beside it. They start, kill and freeze servers of their own on free ports. */
export function ensurePostgres() {
  const path = ensureProgram({
    what: 'PostgreSQL',
    variable: 'POSTGRES_SERVER',
    names: ['postgres'],
    elsewhere: whereDebianPutsIt,
    debian: 'postgresql',
    howToGetIt: `  macOS   brew install postgresql@17 && export POSTGRES_SERVER="$(brew --prefix postgresql@17)/bin/postgres"
  Debian  sudo apt-get update && sudo apt-get install -y postgresql
  Docker  docker run --rm -v "$PWD":/src:ro node:24-bookworm sh -c 'cp -r /src /app && cd /app && npm ci && npm test'`,
  })
  return { POSTGRES_SERVER: path }
}

/** Not on PATH, and in a folder for each version: the newest first. */
function whereDebianPutsIt() {
  const folder = '/usr/lib/postgresql'
  if (!existsSync(folder)) return []
  const versions = readdirSync(folder).sort((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(folder, version, 'bin', 'postgres'))
}
