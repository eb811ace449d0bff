import { spawnSync } from 'node:child_process'
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

  it('makes its folder, and files that only its owner reads', async () => {
    const path = join(folder, 'deep', 'er', 'private.db')
    const store = sqliteStore(path)
    await store.set('a:b:c', 'value', 60, undefined)
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'deep')).mode & 0o777).toBe(0o700)
    store.close()
  })

  it('waits for another writer, in steps that leave the thread to others, and says so when it stays', async () => {
    const path = join(folder, 'busy.db')
    const store = sqliteStore(path)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const started = performance.now()
    let steps = 0
    const stepping = setInterval(() => {
      steps += 1
    }, 1)
    await expect(store.set('a:b:c', 'value', 60, undefined)).rejects.toThrow(StoreUnavailable)
    clearInterval(stepping)
    const waited = performance.now() - started
    expect(waited).toBeGreaterThan(300)
    expect(waited).toBeLessThan(1500)
    expect(steps).toBeGreaterThan(20)
    const waiting = store.set('a:b:c', 'value', 60, undefined)
    other.exec('COMMIT')
    expect(await waiting).toBeDefined()
    other.close()
    store.close()
  })

  it('reads while another process writes', async () => {
    const path = join(folder, 'reading.db')
    const store = sqliteStore(path)
    const seen = await store.set('a:b:c', 'value', 60, undefined)
    const other = new DatabaseSync(path)
    other.exec("BEGIN IMMEDIATE; UPDATE entries SET value = 'changed'")
    expect(await store.get('a:b:c')).toEqual(seen)
    other.exec('ROLLBACK')
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

  it('rejects every call after it was closed, and may be closed twice', async () => {
    const store = sqliteStore(join(folder, 'closed.db'))
    const seen = await store.set('a:b:c', 'value', 60, undefined)
    store.close()
    store.close()
    await expect(store.get('a:b:c')).rejects.toThrow(StoreUnavailable)
    await expect(store.set('a:b:c', 'value', 60, seen)).rejects.toThrow(StoreUnavailable)
    await expect(seen && store.delete('a:b:c', seen)).rejects.toThrow(StoreUnavailable)
    await expect(store.directory?.list('list', undefined, 10)).rejects.toThrow(StoreUnavailable)
  })

  it('takes a mistake in a call for a mistake, and not for an outage', async () => {
    const store = sqliteStore(join(folder, 'mistake.db'))
    const mistaken: { get(key: unknown): Promise<unknown> } = { get: Reflect.get(store, 'get') }
    await expect(mistaken.get(undefined)).rejects.toThrow(TypeError)
    await expect(mistaken.get({ key: 'a:b:c' })).rejects.not.toThrow(StoreUnavailable)
    store.close()
  })

  it('keeps the engine out of a program that does not open one', () => {
    const storage = JSON.stringify(new URL('../dist/index.js', import.meta.url).href)
    const program = `
      const { sqliteStore } = await import(${storage})
      const isLoaded = () => process.moduleLoadList.some((name) => name.includes('NativeModule sqlite'))
      const before = isLoaded()
      sqliteStore(':memory:')
      console.log(before, isLoaded())`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' })
    expect(stdout.trim()).toBe('false true')
  })
})
