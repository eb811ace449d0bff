import { atMost } from '../support/at-most.ts'
import { comeBack, type LoggedIn, persist, redeem, refresh, register, takeCodes } from './client.ts'
import type { Hosts } from './hosts.ts'

/** How many hosts redeemed each code that all of them were given at once, and what the others said. */
export interface CodeRaces {
  readonly winners: readonly number[]
  readonly losers: ReadonlySet<string>
}

/** Gives so many codes to all hosts at once, some codes at a time. */
export async function raceCodes(hosts: Hosts, count: number): Promise<CodeRaces> {
  const clientId = await persist(() => register(hosts))
  const losers = new Set<string>()
  const race = async (code: string): Promise<number> => {
    const answers = await Promise.all(hosts.all.map((host) => redeem(host, clientId, code)))
    const bodies = await Promise.all(answers.map((answer) => answer.json()))
    answers.forEach(({ status }, index) => {
      if (status !== 200) losers.add(`${status} ${bodies[index].error}`)
    })
    return answers.filter(({ status }) => status === 200).length
  }
  const winners: number[] = []
  // A code lives for a minute, however slow the machine is.
  while (winners.length < count)
    winners.push(...(await atMost(6, await takeCodes(hosts, clientId, Math.min(count - winners.length, batch)), race)))
  return { winners, losers }
}

const batch = 100

/** What came of one refresh token that all hosts were given at once. */
export interface RefreshRound {
  readonly statuses: readonly number[]
  readonly successors: number
  readonly upstreamCalls: number
}

/** Gives a refresh token to all hosts at once, and then its successor, and so on. In every other round the upstream's token is due. */
export async function raceRefreshes(
  hosts: Hosts,
  { clientId, tokens }: LoggedIn,
  count: number,
): Promise<{ rounds: readonly RefreshRound[]; waits: number }> {
  let token = tokens.refresh_token
  const waits = { count: 0 }
  const rounds: RefreshRound[] = []
  for (let round = 0; round < count; round += 1) {
    // The upstream's token lives for 8 hours and is due in the last 5 minutes.
    if (round % 2 === 1) await hosts.advance(28_800 - 60)
    const before = hosts.github.calls('token')
    const answers = await Promise.all(hosts.all.map((host) => comeBack(() => refresh(host, clientId, token), waits)))
    const bodies = await Promise.all(answers.map((answer) => answer.json()))
    rounds.push({
      statuses: answers.map(({ status }) => status),
      successors: new Set(bodies.map((body) => body.refresh_token)).size,
      upstreamCalls: hosts.github.calls('token') - before,
    })
    token = bodies[0].refresh_token
  }
  return { rounds, waits: waits.count }
}

/** The rounds as they have to be. */
export function goodRounds(count: number): readonly RefreshRound[] {
  return Array.from({ length: count }, (_, round) => ({ statuses: [200, 200, 200, 200], successors: 1, upstreamCalls: round % 2 }))
}
