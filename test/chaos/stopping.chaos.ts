import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { loginOften, readTokens, refresh, toolStatus } from '../hosts/client.ts'
import { type Hosts, startHosts } from '../hosts/hosts.ts'
import { openRawSocket, rawGet } from '../support/raw-socket.ts'
import { dumpRedis } from '../support/redis-dump.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { figure } from './figure.ts'

let redis: RedisServer | undefined
let hosts: Hosts | undefined
let way: TcpProxy | undefined
let child: ChildProcess | undefined
afterEach(async () => {
  await hosts?.close()
  await way?.close()
  await redis?.close()
  child?.kill('SIGKILL')
})

/** The upstream's tokens live for 8 hours. */
const hours = 28_800

describe('a host that is asked to end (REL-R30)', () => {
  it('while 200 refreshes wait for an upstream that is slow answers them all, gives back its leases, and exits with 0', async () => {
    redis = await startRedis('--appendonly', 'no')
    let upstream = 0
    const slow = await openTcpProxy(() => [upstream])
    way = slow
    const house = await startHosts({
      count: 2,
      store: { kind: 'redis', url: redis.url },
      mode: 'github-app',
      async upstreamAt(url) {
        upstream = Number(new URL(url).port)
        return `http://127.0.0.1:${slow.port}`
      },
    })
    hosts = house
    const sessions = await loginOften(house, 50)
    await house.advance(hours - 60)
    const [ending, staying] = [house.at(0), house.at(1)]
    slow.delay(1_500)
    const before = house.github.calls('token')
    const open = await openRawSocket(ending.port)
    open.send(rawGet('/health'))
    // Each four times at once, as a client does that lost its patience.
    const asked = sessions.flatMap((session) => Array.from({ length: 4 }, () => session))
    const answers = asked.map(({ clientId, tokens }) => refresh(ending, clientId, tokens.refresh_token))
    // They have begun to ask the upstream, from which nothing comes for seconds.
    while (house.github.calls('token') === before) await sleep(5)
    const began = performance.now()
    const stopped = ending.stop()
    await sleep(100)
    open.send(rawGet('/.well-known/oauth-authorization-server'))
    await open.closed
    expect(open.statuses()).toEqual(['200', '503'])
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    await stopped
    const took = performance.now() - began
    const reset = statuses.filter((status) => status !== 200).length
    figure(
      'Requests under way when a host was asked to end, those not answered, and the time to its exit',
      `${statuses.length}, ${reset}, ${took.toFixed(0)} ms`,
    )
    expect(reset).toBe(0)
    expect(took).toBeLessThan(11_000)

    slow.mend()
    expect((await dumpRedis(redis.port)).filter(({ key }) => key.includes(':lease:'))).toEqual([])
    // Nobody was forked, and nobody has to log in.
    for (const [index, { clientId }] of sessions.entries()) {
      const four = await Promise.all(answers.slice(index * 4, index * 4 + 4).map(async (answer) => readTokens(await answer)))
      expect(new Set(four.map(({ refresh_token: token }) => token)).size).toBe(1)
      const next = await readTokens(await refresh(staying, clientId, four[0]?.refresh_token ?? ''))
      expect(await toolStatus(staying, next.access_token)).toBe(200)
    }
  })

  it('cuts off streams after 5 s, and requests that nobody answers after 10 s', async () => {
    const program = fileURLToPath(new URL('../mcp/stopping-server.ts', import.meta.url))
    const started = fork(program, ['{"closing":"ends"}'], {
      execArgv: ['--experimental-strip-types', '--no-warnings'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    child = started
    const [{ port }] = (await once(started, 'message')) as [{ port: number }]
    const [stream, held] = await Promise.all([openRawSocket(port), openRawSocket(port)])
    for (const [raw, path] of [
      [stream, '/stream'],
      [held, '/held'],
    ] as const) {
      const begun = once(started, 'message')
      raw.send(rawGet(path))
      await begun
    }
    const began = performance.now()
    const since = async (over: Promise<unknown>): Promise<number> => over.then(() => performance.now() - began)
    const exit = once(started, 'exit')
    started.kill('SIGTERM')
    const [streamed, waited, [code]] = await Promise.all([since(stream.closed), since(held.closed), exit])
    figure(
      'Time after which a stream, and a request that nobody answers, were cut off by the end of a host',
      `${streamed.toFixed(0)} and ${waited.toFixed(0)} ms`,
    )
    expect([stream.statuses(), held.statuses(), code]).toEqual([['200'], [], 0])
    expect(Math.abs(streamed - 5_000)).toBeLessThan(2_000)
    expect(Math.abs(waited - 10_000)).toBeLessThan(2_000)
  })
})
