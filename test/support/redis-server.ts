import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'

/** A Redis of a test's own, on loopback, that can be taken away and given back. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Ends the process at once; `start` brings it back with its data, `startEmpty` without. */
  kill(): Promise<void>
  start(): Promise<void>
  startEmpty(): Promise<void>
  /** Stops the process without ending it: connections stay open and nothing answers. */
  freeze(): void
  thaw(): void
  /** Ends it for good and removes its data. */
  close(): Promise<void>
}

export async function startRedis(...settings: string[]): Promise<RedisServer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-redis-'))
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    const base = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
    ]
    child = spawn(process.env.REDIS_SERVER ?? 'redis-server', [...base, ...settings], { stdio: 'ignore' })
    for (let attempt = 0; attempt < 200; attempt += 1) {
      if (await pings(port)) return
      await sleep(25)
    }
    await kill()
    throw new Error('redis-server does not answer')
  }

  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    start,
    kill,
    async startEmpty() {
      rmSync(join(folder, 'appendonlydir'), { recursive: true, force: true })
      await start()
    },
    freeze: () => child?.kill('SIGSTOP'),
    thaw: () => child?.kill('SIGCONT'),
    async close() {
      child?.kill('SIGCONT')
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Sends one command over a connection of its own; the raw answer. */
export function redisCommand(port: number, ...words: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.setTimeout(1000, () => socket.destroy(new Error('no answer')))
    socket.on('error', reject)
    socket.on('data', (data) => {
      answer += data.toString('latin1')
      if (answer.endsWith('\r\n')) {
        socket.destroy()
        resolve(answer)
      }
    })
    socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
  })
}

async function pings(port: number): Promise<boolean> {
  return redisCommand(port, 'PING').then(
    (answer) => answer === '+PONG\r\n',
    () => false,
  )
}
