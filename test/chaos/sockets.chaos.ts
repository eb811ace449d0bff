import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Hosts, startHosts } from '../hosts/hosts.ts'
import { openRawSocket, type RawSocket, rawGet } from '../support/raw-socket.ts'
import { figure } from './figure.ts'

const folder = mkdtempSync(join(tmpdir(), 'drawbridge-sockets-'))
let hosts: Hosts
beforeAll(async () => {
  hosts = await startHosts({ count: 1, store: { kind: 'sqlite', path: join(folder, 'sockets.db') } })
})
afterAll(async () => {
  await hosts?.close()
  rmSync(folder, { recursive: true, force: true })
})

const form = 'POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n'
const beginnings = [
  `${form}X-Slow: `,
  `${form}Content-Length: 5000\r\n\r\ngrant_type=`,
  `${form}Transfer-Encoding: chunked\r\n\r\n5\r\ngrant\r\n`,
  '',
]

/** How long others wait for a document, in milliseconds, while `going` says so: the 99th of a hundred. */
async function othersWait(going: () => boolean): Promise<number> {
  const took: number[] = []
  while (going()) {
    const began = performance.now()
    const answer = await hosts.fetch('/.well-known/oauth-authorization-server')
    await answer.text()
    expect(answer.status).toBe(200)
    took.push(performance.now() - began)
    await sleep(10)
  }
  return took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.99)] ?? Number.NaN
}

/** Opens 200, and answers when they were closed, in milliseconds. */
async function openMany(begin: (raw: RawSocket, index: number) => void): Promise<{ all: RawSocket[]; closed: Promise<number[]> }> {
  const all = await Promise.all(Array.from({ length: 200 }, () => openRawSocket(hosts.at(0).port)))
  all.forEach(begin)
  return { all, closed: Promise.all(all.map((raw) => raw.closed)) }
}

it('200 connections that are slow to say what they want are given up within 10 s, and nobody waits for them (REL-R26)', async () => {
  const until = performance.now() + 3_000
  const quiet = await othersWait(() => performance.now() < until)
  const { all, closed } = await openMany((raw, index) => raw.send(beginnings[index % beginnings.length] ?? ''))
  // A byte now and then keeps nobody here.
  const dribble = setInterval(() => {
    for (const [index, { socket }] of all.entries()) if (index % beginnings.length < 2 && socket.writable) socket.write('a')
  }, 1_000)
  let over = false
  void closed.then(() => {
    over = true
  })
  const busy = await othersWait(() => !over)
  clearInterval(dribble)
  const times = await closed
  expect(new Set(all.map((raw) => raw.statuses().join()))).toEqual(new Set(['408']))
  figure(
    'Time after which the first and the last of 200 slow requests were given up',
    `${Math.min(...times).toFixed(0)} and ${Math.max(...times).toFixed(0)} ms`,
  )
  figure('What others waited for a document at most, 99 of 100, before that and meanwhile', `${quiet.toFixed(0)} and ${busy.toFixed(0)} ms`)
  // The machine may be late itself, by a second.
  expect(Math.max(...times)).toBeLessThan(11_000)
  expect(Math.min(...times)).toBeGreaterThan(8_000)
})

it('200 connections that wait for nothing are closed (REL-R26)', async () => {
  const { all, closed } = await openMany((raw) => raw.send(rawGet('/health')))
  const times = await closed
  figure('Time after which the last of 200 idle connections was closed', `${Math.max(...times).toFixed(0)} ms`)
  expect(all.filter((raw) => raw.error() !== undefined)).toEqual([])
  expect(Math.max(...times)).toBeLessThan(10_000)
})
