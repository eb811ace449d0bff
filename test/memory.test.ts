import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keyvStore } from '@drawbridge/storage'
import { Keyv } from 'keyv'
import { describe, expect, it, onTestFinished } from 'vitest'
import { codeOf } from '../scripts/source-text.mjs'
import { openHouse } from './support/house.ts'

// What a process keeps in memory, and what bounds it (invariant I8). Whoever adds to this list adds a row to docs/records.md.

const root = fileURLToPath(new URL('..', import.meta.url))

/** Collections that begin empty and are filled later, by the file that makes them. Those that end with the call that made them are not in the table of the page. */
const bounds: Readonly<Record<string, 'bounded cache' | 'under way' | 'fixed' | 'caps' | 'weak' | 'one call'>> = {
  'core/src/adapters/mcp-sessions.ts': 'bounded cache',
  'core/src/adapters/opentelemetry-attributes.ts': 'caps',
  'core/src/adapters/requests-under-way.ts': 'under way',
  'core/src/clients/client-keys.ts': 'bounded cache',
  'core/src/clients/document-clients.ts': 'bounded cache',
  'core/src/clients/fetch-budget.ts': 'bounded cache',
  'core/src/http/rate-limit.ts': 'bounded cache',
  'core/src/ports/environment.ts': 'under way',
  'core/src/ports/in-time.ts': 'under way',
  'core/src/protocol/bounded-cache.ts': 'bounded cache',
  'core/src/protocol/scope-hierarchy.ts': 'one call',
  'core/src/records/collection.ts': 'bounded cache',
  'core/src/records/entry-reader.ts': 'bounded cache',
  'core/src/records/watch-store.ts': 'fixed',
  'core/src/tokens/access-token.ts': 'bounded cache',
  'core/src/tokens/upstream-tokens.ts': 'under way',
  'core/src/tokens/verify-access-token.ts': 'bounded cache',
  'core/src/tokens/watch-grant.ts': 'bounded cache',
  'core/src/verifiers/introspection-verifier.ts': 'bounded cache',
  'core/src/verifiers/jwt-verifier.ts': 'bounded cache',
  'providers/src/internal/on-behalf-of.ts': 'caps',
  'storage/src/keyv-directory.ts': 'one call',
  'storage/src/keyv-guard.ts': 'under way',
  'storage/src/memory-directory.ts': 'caps',
  'storage/src/memory-store.ts': 'caps',
  'storage/src/postgres-lines.ts': 'weak',
  'storage/src/redis-cluster.ts': 'fixed',
  'storage/src/redis-examination.ts': 'one call',
  'storage/src/redis-node.ts': 'under way',
  'storage/src/sqlite-database.ts': 'fixed',
  'storage/src/turns.ts': 'under way',
}

/** A collection that is made empty, or a cache with its limit. */
const filledLater = /\bnew (?:(?:Map|Set|WeakMap|WeakSet)(?:<.*>)?\(\s*\)|BoundedCache\b)/

function filesThatKeep(files: readonly { readonly path: string; readonly text: string }[]): string[] {
  return files.filter(({ text }) => filledLater.test(codeOf(text))).map(({ path }) => path)
}

const sources = ['core', 'providers', 'storage'].flatMap((name) =>
  readdirSync(join(root, 'packages', name, 'src'), { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts') && !/\.test\.ts$|^(testing|contract)\//.test(path))
    .map((path) => ({ path: `${name}/src/${path}`, text: readFileSync(join(root, 'packages', name, 'src', path), 'utf8') })),
)

describe('what a process keeps in memory (I8)', () => {
  it('is kept by the files that are known to, each of which says what bounds it', () => {
    expect(filesThatKeep(sources).sort()).toEqual(Object.keys(bounds).sort())
  })

  it.each([
    'const verified = new Map<string, Map<string, number>>()',
    'const seen = new Set()',
    'const cache = new BoundedCache<Kept>(1000)',
    'lists.get(a) ?? new Map<string, () => void>()',
  ])('is found in: %s', (text) => {
    expect(filesThatKeep([{ path: 'a.ts', text }])).toEqual(['a.ts'])
  })

  it('is told to the operator', () => {
    const [, page = ''] = readFileSync(join(root, 'docs', 'records.md'), 'utf8').split('## What is in memory only')
    const told = Object.entries(bounds).filter(([path, bound]) => !path.startsWith('storage/') && !['one call', 'fixed'].includes(bound))
    const missing = told
      .map(([path]) => path.replace(/^(core|providers)\/src\//, ''))
      .filter((path) => !page.includes(path.split('/').at(-1) ?? path))
    expect(missing).toEqual(['protocol/bounded-cache.ts'])
  })
})

/** What was created by `new Map()` and `new Set()` of our packages while this runs, by file: the most that was in one, and what is in all of them now. */
function watchCollections() {
  const made: { readonly file: string; readonly now: () => number; most: number }[] = []
  const [RealMap, RealSet] = [Map, Set]
  const note = (size: () => number) => {
    const [, file] = /packages\/((?:core|storage)\/(?:src|dist)\/[\w/-]+)\.[jt]s/.exec(new Error('where').stack ?? '') ?? []
    const each = { file: file?.replace('/dist/', '/src/') ?? '', now: size, most: 0 }
    if (file !== undefined) made.push(each)
    return each
  }
  globalThis.Map = class<Key, Value> extends RealMap<Key, Value> {
    readonly #watched = note(() => this.size)
    override set(key: Key, value: Value): this {
      super.set(key, value)
      // The constructor of a filled one gets here first.
      if (#watched in this) this.#watched.most = Math.max(this.#watched.most, this.size)
      return this
    }
  } as MapConstructor
  globalThis.Set = class<Value> extends RealSet<Value> {
    readonly #watched = note(() => this.size)
    override add(value: Value): this {
      super.add(value)
      if (#watched in this) this.#watched.most = Math.max(this.#watched.most, this.size)
      return this
    }
  } as SetConstructor
  return {
    of(path: string) {
      const here = made.filter(({ file }) => `${file}.ts` === path)
      return { most: Math.max(0, ...here.map(({ most }) => most)), now: here.reduce((sum, { now }) => sum + now(), 0) }
    },
    stop() {
      globalThis.Map = RealMap
      globalThis.Set = RealSet
    },
  }
}

it('what is under way is forgotten when it is over, however it ended (I8)', async () => {
  const watched = watchCollections()
  onTestFinished(() => watched.stop())
  const house = openHouse({
    mode: 'github-app',
    limits: { rateLimit: false },
    clientStorage: keyvStore(new Keyv()),
    dangerouslyStorePlain: true,
    // Every host of a document or of keys is away.
    fetchPinned: () => Promise.reject(new TypeError('nobody is there')),
  })
  const { clientId, tokens } = await house.login()
  house.environment.advance(28_800 - 60)
  const unknown = Array.from({ length: 200 }, (_, index) => house.call(house.authorizeUrl(`https://client-${index}.example/document`)))
  const refreshes = Array.from({ length: 20 }, () => house.refresh(clientId, tokens.refresh_token))
  const calls = Array.from({ length: 20 }, () => house.mcpStatus(tokens.access_token))
  await Promise.all([...unknown, ...refreshes, ...calls])
  await house.auth.close()
  const ways = [
    'core/src/clients/document-clients.ts',
    'core/src/tokens/upstream-tokens.ts',
    'core/src/ports/in-time.ts',
    'storage/src/turns.ts',
    'storage/src/keyv-guard.ts',
  ]
  for (const path of ways) {
    const { most, now } = watched.of(path)
    expect([most > 0, now], path).toEqual([true, 0])
  }
})
