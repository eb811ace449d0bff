import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { authorizePath, loginOften, readTokens, redeem, refresh, register, takeCode } from '../hosts/client.ts'
import { type Hosts, startHosts } from '../hosts/hosts.ts'
import type { HostMeasure } from '../hosts/messages.ts'
import { atMost } from '../support/at-most.ts'
import { figure } from './figure.ts'

let folder: string
let hosts: Hosts | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drawbridge-health-'))
})
afterEach(async () => {
  await hosts?.close()
  hosts = undefined
  rmSync(folder, { recursive: true, force: true })
})

const store = () => ({ kind: 'sqlite', path: join(folder, 'health.db') }) as const
const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

/** As much as the gate reads of a call, 4 MB, with a value in it for each few bytes. */
const longestCall = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'whoami', arguments: { values: Array.from({ length: 550_000 }, () => 'abcd') } },
})

/** As much as registers: 16 KB. */
const longestRegistration = JSON.stringify({
  client_name: 'x'.repeat(100),
  redirect_uris: Array.from({ length: 10 }, (_, index) => `https://a.example/${index}/${'x'.repeat(1_500)}`),
})

describe('the event loop of a host (REL-R33)', () => {
  it('is kept for less than 100 ms by keys, tokens, records and the longest bodies', async () => {
    const house = await startHosts({ count: 1, store: store(), toolScopes: { other: ['user'] } })
    hosts = house
    const sessions = await loginOften(house, 20)
    const [first] = sessions
    const bearer = { authorization: `Bearer ${first?.tokens.access_token}` }
    const send = (path: string, body: string, headers = {}) => house.fetch(path, { method: 'POST', headers: { ...json, ...headers }, body })
    const loads: Record<string, () => Promise<Response>> = {
      documents: () => house.fetch('/.well-known/oauth-authorization-server'),
      questions: () => house.fetch(authorizePath(first?.clientId ?? '')),
      'the longest registrations': () => send('/register', longestRegistration),
      'calls with a token': () => send('/mcp', '{"jsonrpc":"2.0","id":1,"method":"ping"}', bearer),
      'calls with a token that nobody signed': () =>
        send('/mcp', '{}', { authorization: `Bearer ${first?.tokens.access_token.slice(0, -4)}AAAA` }),
      'the longest calls': () => send('/mcp', longestCall, bearer),
    }
    const refreshTokens = sessions.map(({ tokens }) => tokens.refresh_token)
    const host = house.at(0)
    const measured: Record<string, HostMeasure> = {}
    const keptBy = async (what: string, times: number, many: number, ask: (index: number) => Promise<Response>): Promise<void> => {
      await host.measure()
      const answers = await atMost(many, Array.from({ length: times }), async (_, index) => {
        const answer = await ask(index)
        await answer.arrayBuffer()
        return answer.status
      })
      expect(answers.filter((status) => status >= 500)).toEqual([])
      measured[what] = await host.measure()
    }
    for (const [what, load] of Object.entries(loads)) {
      const isLong = what === 'the longest calls'
      await keptBy(what, isLong ? 20 : 500, isLong ? 1 : 8, load)
    }
    await keptBy('refreshes', 500, 8, async (index) => {
      const at = index % sessions.length
      const answer = await refresh(house, sessions[at]?.clientId ?? '', refreshTokens[at] ?? '')
      if (answer.status === 200) refreshTokens[at] = (await answer.clone().json()).refresh_token
      return answer
    })
    for (const [what, { kept, late }] of Object.entries(measured))
      figure(
        `Longest work of ${what} in one turn of the event loop, and longest delay of it`,
        `${kept.toFixed(0)} and ${late.toFixed(0)} ms`,
      )
    // A busy machine delays the loop; what the host does itself is what it can answer for. The longest calls, of who has a token, are JSON of 4 MB that
    // the gate reads and then MCP's SDK: twice some 30 ms on a quiet machine, and more on this one when it is not.
    for (const [what, { kept }] of Object.entries(measured)) expect(kept, what).toBeLessThan(what === 'the longest calls' ? 250 : 100)
  })
})

describe('a cold start (REL-R38)', () => {
  it('is followed by a token; how soon, is a figure', async () => {
    const [took, worked]: [number[], number[]] = [[], []]
    for (let start = 0; start < 3; start += 1) {
      const began = performance.now()
      hosts = await startHosts({ count: 1, store: store() })
      const clientId = await register(hosts)
      const code = await takeCode(hosts, clientId, { authorize: hosts, consent: hosts, callback: hosts })
      await readTokens(await redeem(hosts, clientId, code))
      took.push(performance.now() - began)
      worked.push((await hosts.at(0).measure()).worked)
      await hosts.close()
      hosts = undefined
    }
    const [median, work] = [medianOf(took), medianOf(worked)]
    figure(
      'From the start of a process to its first token, and what the process worked for it',
      `${median.toFixed(0)} and ${work.toFixed(0)} ms`,
    )
    // A busy machine makes it wait; its own work is what it can answer for.
    expect(work).toBeLessThan(2_000)
  })
})

function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}
