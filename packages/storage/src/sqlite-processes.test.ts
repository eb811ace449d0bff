import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { sqliteStore } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'drawbridge-processes-'))
afterAll(() => rmSync(folder, { recursive: true }))

const opening = `import { sqliteStore } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)}`

/** Programs that run `body` when all are ready, and send what it answers. `patiently` asks again while the store is busy. */
async function inProcesses(count: number, body: string): Promise<unknown[]> {
  const program = writeProgram(
    `program-${body.length}`,
    `${opening}
     const patiently = async (ask) => { for (;;) try { return await ask() } catch (error) { if (error.name !== 'StoreUnavailable') throw error } }
     process.once('message', async () => {
       const answer = await (async () => { ${body} })().catch((error) => String(error))
       process.send({ answer }, () => process.exit(0))
     })
     process.send('ready')`,
  )
  const children = Array.from({ length: count }, () => fork(program, { execArgv: ['--no-warnings'] }))
  await Promise.all(children.map(nextMessage))
  const answers = children.map(nextMessage)
  for (const child of children) child.send('go')
  return (await Promise.all(answers)).map((message) =>
    typeof message === 'object' && message && 'answer' in message ? message.answer : message,
  )
}

function writeProgram(name: string, text: string): string {
  const path = join(folder, `${name}.mjs`)
  writeFileSync(path, text)
  return path
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', (code) => reject(new Error(`a process ended with ${code}`)))
  })
}

describe('processes with one file', () => {
  it('open a new one all at once', async () => {
    const paths = JSON.stringify(join(folder, 'new-'))
    const opened = await inProcesses(
      4,
      `// In step by the clock on the wall: all open the same file in the same millisecond, twenty times.
       let moment = Math.ceil(Date.now() / 500) * 500
       for (let index = 0; index < 20; index += 1, moment += 40) {
         while (Date.now() < moment);
         sqliteStore(${paths} + index).close()
       }
       return 'opened'`,
    )
    expect(opened).toEqual(['opened', 'opened', 'opened', 'opened'])
  }, 30_000)

  it('wait at their start for one that holds it, longer than the engine would', async () => {
    const path = join(folder, 'held.db')
    const child = fork(
      writeProgram(
        'holding',
        `import { DatabaseSync } from 'node:sqlite'
         const database = new DatabaseSync(${JSON.stringify(path)})
         database.exec('BEGIN IMMEDIATE; CREATE TABLE held (a)')
         process.send('held')
         setTimeout(() => database.exec('COMMIT'), 1000)`,
      ),
      { execArgv: ['--no-warnings'] },
    )
    await nextMessage(child)
    const store = sqliteStore(path)
    expect(await store.set('ns:kind:one', 'value', 60, undefined)).toBeDefined()
    store.close()
    child.kill()
  })

  it('create each of 300 keys once (R104)', async () => {
    const path = JSON.stringify(join(folder, 'creating.db'))
    const won = await inProcesses(
      2,
      `const store = sqliteStore(${path})
       const won = []
       for (let index = 0; index < 300; index += 1)
         if (await patiently(() => store.set('ns:race:' + index, '', 60, undefined))) won.push(index)
       return won`,
    )
    expect(won.flat().sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 300 }, (_, index) => index))
  }, 30_000)

  it('lose no change of 400 to the same entry (R104)', async () => {
    const path = join(folder, 'counting.db')
    const store = sqliteStore(path)
    await store.set('ns:race:count', '0', 60, undefined)
    const counted = await inProcesses(
      2,
      `const store = sqliteStore(${JSON.stringify(path)})
       for (let counted = 0; counted < 200; ) {
         const seen = await store.get('ns:race:count')
         if (await patiently(() => store.set('ns:race:count', String(Number(seen.value) + 1), 60, seen))) counted += 1
       }
       return 'counted'`,
    )
    expect(counted).toEqual(['counted', 'counted'])
    expect((await store.get('ns:race:count'))?.value).toBe('400')
    store.close()
  }, 30_000)
})
