import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import type { StoppingPlan } from './stopping-server.ts'

// A process starts; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 30_000 })

const program = fileURLToPath(new URL('stopping-server.ts', import.meta.url))

let child: ChildProcess | undefined
afterEach(() => {
  child?.kill('SIGKILL')
  // One behind a shell ends when its channel does.
  if (child?.connected) child.disconnect()
})

const listening = z.object({ port: z.number() })
const stripping = ['--experimental-strip-types', '--no-warnings']
const endWithNpm = fileURLToPath(new URL('../../scripts/end-with-npm.mjs', import.meta.url))

/** As `npm start` runs it: behind a shell that hands no signal on. */
function spawnBehindShell(plan: string): ChildProcess {
  const words = [process.execPath, ...stripping, '--import', endWithNpm, program, plan].map((word) => `'${word}'`)
  return spawn('sh', ['-c', `${words.join(' ')}; true`], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
}

/** A process with a server, and a request that it is at. */
async function start(closing: StoppingPlan['closing'], { atWork = true, behindShell = false } = {}) {
  const plan = JSON.stringify({ closing } satisfies StoppingPlan)
  const started = behindShell
    ? spawnBehindShell(plan)
    : fork(program, [plan], { execArgv: stripping, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  child = started
  const [printed, complained]: [string[], string[]] = [[], []]
  started.stdout?.on('data', (text: Buffer) => printed.push(String(text)))
  started.stderr?.on('data', (text: Buffer) => complained.push(String(text)))
  const ended = once(started, 'close').then(([code, signal]) => code ?? signal)
  const { port } = await once(started, 'message').then(([report]) => listening.parse(report))
  const begun = once(started, 'message')
  const answer = atWork ? fetch(`http://127.0.0.1:${port}/held`).then((response) => response.status) : Promise.resolve(0)
  answer.catch(() => {})
  if (atWork) await begun
  return {
    port,
    answer,
    ended,
    release: () => started.send('release'),
    signal: (name: NodeJS.Signals) => started.kill(name),
    printed: () => printed.join(''),
    complained: () => complained.join(''),
  }
}

// No request: one that the server took before it heard the signal is one that it finishes.
function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

describe('a process that a signal asks to end (REL-R30)', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('by %s finishes what it is at, closes, and exits with 0', async (name) => {
    const server = await start('ends')
    server.signal(name)
    await vi.waitFor(async () => expect(await isListening(server.port)).toBe(false), 10_000)
    server.release()
    expect([await server.answer, await server.ended]).toEqual([200, 0])
    expect([server.printed(), server.complained()]).toEqual([`Listening on http://127.0.0.1:${server.port}\nclosed\n`, ''])
  })

  it('hears the same wish once, though a terminal and what runs it both tell it', async () => {
    const server = await start('ends')
    for (const name of ['SIGINT', 'SIGINT', 'SIGTERM'] as const) server.signal(name)
    await vi.waitFor(async () => expect(await isListening(server.port)).toBe(false), 10_000)
    server.release()
    expect([await server.answer, await server.ended]).toEqual([200, 0])
  })

  it('says what it waits for, and ends at once, with 1, when it is asked again', async () => {
    const server = await start('ends')
    server.signal('SIGTERM')
    await vi.waitFor(() => expect(server.printed()).toContain('\nWaiting for 1 request to end. To end at once, ask again.\n'), 5_000)
    server.signal('SIGINT')
    await expect(server.answer).rejects.toThrow()
    expect([await server.ended, server.complained()]).toEqual([1, ''])
  })

  it('exits with 1 and one line when closing fails', async () => {
    const server = await start('rejects', { atWork: false })
    server.signal('SIGTERM')
    expect([await server.ended, server.complained()]).toEqual([1, 'The process could not end well. TypeError: there is nothing to close\n'])
  })

  it('can be ended when closing does not end', async () => {
    const server = await start('never ends', { atWork: false })
    server.signal('SIGTERM')
    await vi.waitFor(() => expect(server.printed()).toContain('\nWaiting for what goes on beside requests to end.'), 5_000)
    server.signal('SIGTERM')
    expect(await server.ended).toBe(1)
  })

  it('under `npm start`, which ends first, is told once', async () => {
    const server = await start('ends', { behindShell: true })
    server.signal('SIGTERM')
    await vi.waitFor(() => expect(server.printed()).toContain('\nWaiting for 1 request to end.'), 5_000)
    // Long enough for whoever looks four times a second to look again.
    await sleep(600)
    server.release()
    expect(await server.answer).toBe(200)
    await server.ended
    expect([server.printed().split('\n').at(-2), server.complained()]).toEqual(['closed', ''])
  })
})
