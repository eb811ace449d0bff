import { fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ConfigurationError, StoreUnavailable } from '@drawbridge/core'
import { fixedEnvironment } from '@drawbridge/core/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { sqliteStore } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'drawbridge-sqlite-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('a SQLite store', () => {
  it('keeps everything over a restart', async () => {
    const path = join(folder, 'restart.db')
    const first = sqliteStore(path)
    const seen = await first.set('a:b:c', 'kept', 3600, undefined)
    await first.directory?.add('list', 'member', 3600)
    first.close()
    const second = sqliteStore(path)
    expect(await second.get('a:b:c')).toEqual(seen)
    expect(await second.directory?.list('list', undefined, 10)).toEqual({ members: ['member'] })
    second.close()
  })

  it('makes its folder and a file that only its owner reads', () => {
    const path = join(folder, 'deep', 'er', 'private.db')
    sqliteStore(path).close()
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('waits for another writer without blocking, and says so when it stays', async () => {
    const path = join(folder, 'busy.db')
    const store = sqliteStore(path)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    await expect(store.set('a:b:c', 'value', 60, undefined)).rejects.toThrow(StoreUnavailable)
    const waiting = store.set('a:b:c', 'value', 60, undefined)
    other.exec('COMMIT')
    expect(await waiting).toBeDefined()
    other.close()
    store.close()
  })

  it('takes out what has ended, a little with every few writes', async () => {
    const path = join(folder, 'sweep.db')
    const environment = fixedEnvironment()
    const store = sqliteStore(path, { environment })
    for (let index = 0; index < 40; index += 1) await store.set(`a:b:${index}`, 'brief', 10, undefined)
    environment.advance(11)
    for (let index = 0; index < 48; index += 1) await store.set(`a:c:${index}`, 'long', 1000, undefined)
    await environment.drain()
    store.close()
    const database = new DatabaseSync(path)
    expect(database.prepare("SELECT count(*) AS n FROM entries WHERE key LIKE 'a:b:%'").get()).toEqual({ n: 0 })
    database.close()
  })

  it('lets one of two processes win every one of 300 keys (R104)', async () => {
    const path = join(folder, 'race.db')
    sqliteStore(path).close()
    const program = join(folder, 'racer.mjs')
    const store = new URL('../dist/sqlite-store.js', import.meta.url).href
    writeFileSync(
      program,
      `import { sqliteStore } from ${JSON.stringify(store)}
       const store = sqliteStore(${JSON.stringify(path)})
       process.once('message', async () => {
         const won = []
         for (let index = 0; index < 300; index += 1) if (await store.set('a:race:' + index, process.argv[2], 60, undefined)) won.push(index)
         process.send(won, () => process.exit(0))
       })
       process.send('ready')`,
    )
    const racers = ['one', 'two'].map((name) => fork(program, [name], { execArgv: ['--no-warnings'] }))
    const next = (racer: (typeof racers)[number]) => new Promise<unknown>((resolve) => racer.once('message', resolve))
    await Promise.all(racers.map(next))
    const results = racers.map(next)
    for (const racer of racers) racer.send('go')
    const won = (await Promise.all(results)).flat()
    expect(won.length).toBe(300)
    expect(new Set(won).size).toBe(300)
  })

  it('refuses a file that is not a database, and one of a later release, and changes neither', () => {
    const text = join(folder, 'text.db')
    writeFileSync(text, 'this is a text, and not a database at all. '.repeat(50))
    expect(() => sqliteStore(text)).toThrow(ConfigurationError)
    expect(readFileSync(text, 'utf8')).toContain('this is a text')
    const later = join(folder, 'later.db')
    const database = new DatabaseSync(later)
    database.exec('PRAGMA user_version = 99')
    database.close()
    expect(() => sqliteStore(later)).toThrow(/a later release wrote it/)
  })

  it('rejects every call after it was closed', async () => {
    const store = sqliteStore(join(folder, 'closed.db'))
    store.close()
    await expect(store.get('a:b:c')).rejects.toThrow(StoreUnavailable)
  })
})
