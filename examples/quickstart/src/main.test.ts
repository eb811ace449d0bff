import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from './free-port.ts'
import { makeKeyLines } from './keys.ts'

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const running = new Set<ChildProcess>()
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quickstart-'))
})
afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts `npm start`'s program in a folder of its own, with nothing set but `env`. */
function start(env: Record<string, string>) {
  const child = spawn(process.execPath, [main], { cwd: folder, env })
  running.add(child)
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk))
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child)
    return { code, printed }
  })
  return {
    child,
    ended,
    ready: () => expect.poll(() => printed, { timeout: 10_000 }).toContain('Stop with Ctrl+C.'),
    printed: () => printed,
  }
}

describe('npm start', () => {
  it('needs nothing: it makes keys, keeps its state in a file, and ends cleanly on SIGTERM', async () => {
    const PORT = String(await freePort())
    const { child, ended, ready, printed } = start({ PORT })
    await ready()
    expect(printed()).toContain(`MCP URL   http://localhost:${PORT}/mcp`)
    expect(await readFile(join(folder, '.env'), 'utf8')).toMatch(/^#.*\nJWT_SIGNING_KEY=.{64}\nSTORAGE_ENCRYPTION_KEY=.{44}\n$/)
    expect(await readdir(join(folder, '.data'))).toContain('drawbridge.db')
    for (const [path, answer] of [
      ['/health', { status: 'up' }],
      ['/ready', { status: 'ready' }],
    ] as const) {
      expect(await (await fetch(`http://127.0.0.1:${PORT}${path}`)).json()).toEqual(answer)
    }
    for (const path of ['/mcp', '/mcp/']) expect((await fetch(`http://127.0.0.1:${PORT}${path}`, { method: 'POST' })).status).toBe(401)
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 0 })
  })

  it('names a port that is taken, and how to take another one', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const { code, printed } = await start({ PORT: String(port), STORAGE_URL: 'memory:' }).ended
    expect([code, printed]).toEqual([1, `Port ${port} is taken by another program. Take another one: PORT=8001 npm start\n`])
    other.close()
  })

  it('tells every problem of the environment at once, without a stack, and makes nothing', async () => {
    const { code, printed } = await start({ PORT: 'x', HOSTS: 'two' }).ended
    expect([code, printed]).toEqual([
      1,
      'Drawbridge cannot start:\n  - PORT "x" is not a port: a whole number from 1 to 65535\n  - HOSTS "two" is neither one nor many\n',
    ])
    expect(await readdir(folder)).toEqual([])
  })

  it('does not start with a storage key that does not open the store', async () => {
    const PORT = String(await freePort())
    const first = start({ PORT })
    await first.ready()
    first.child.kill('SIGTERM')
    await first.ended
    await writeFile(join(folder, '.env'), makeKeyLines(['JWT_SIGNING_KEY', 'STORAGE_ENCRYPTION_KEY']))
    const { code, printed } = await start({ PORT }).ended
    expect(code).toBe(1)
    expect(printed).toMatch(/^Drawbridge cannot start:\n {2}- the storage key does not open the store: /m)
    expect(printed).not.toContain('    at ')
  })
})
