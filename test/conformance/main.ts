import { createMcpHandler } from '@modelcontextprotocol/server'
import { type Closeable, closeAll } from '../mcp/close-all.ts'
import { authorizationRuns } from './authorization-runs.ts'
import { everythingServer } from './everything-server.ts'
import type { Outcome, Run } from './outcome.ts'
import { serveDocument } from './served-document.ts'
import { listedClient, serveDrawbridge } from './served-drawbridge.ts'
import { serveBoth, serverRuns } from './server-runs.ts'
import { sessionHandler } from './session-handler.ts'

// The command `npm run conformance`: the official suite against servers of ours. The last line is `N checks passed, N failed`.

/** As many as make a difference on two processors: each run is a program that mostly starts. */
const atOnce = 3

/** The requirement sets that fit each way to serve, and how many of their checks succeed behind the gate. */
const withoutSessions = { '2025-11-25': 63, '2026-07-28': 162 }
const inSessions = { '2025-11-25': 81 }

const open: Closeable[] = []
try {
  const plain = keep(await serveDrawbridge())
  const deeper = keep(await serveDrawbridge({ path: '/t1' }))
  const withSessions = keep(await serveDrawbridge({ sessions: true }))
  const document = keep(await serveDocument())
  const runs = [
    ...serverRuns('without sessions', keep(await serveBoth(plain, createMcpHandler(everythingServer))), withoutSessions),
    ...serverRuns('with sessions', keep(await serveBoth(withSessions, sessionHandler())), inSessions),
    ...authorizationRuns([plain, deeper], [listedClient, document.clientId]),
  ]
  report(await makeAll(runs))
} finally {
  await closeAll(open)
}

function keep<Kept extends Closeable>(opened: Kept): Kept {
  open.push(opened)
  return opened
}

async function makeAll(runs: readonly Run[]): Promise<readonly Outcome[]> {
  const left = [...runs]
  const outcomes: Outcome[] = []
  const work = async () => {
    for (let run = left.shift(); run; run = left.shift()) {
      const { name } = run
      const outcome = await run.make().catch((cause: unknown): Outcome => ({ name, passed: 0, failures: [String(cause)] }))
      outcomes.push(outcome)
      print(outcome)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return outcomes
}

function print({ name, passed, failures }: Outcome): void {
  console.log(`${name}: ${passed} passed${failures.length > 0 ? `, ${failures.length} failed` : ''}`)
  for (const failure of failures) console.log(`  ${failure}`)
}

function report(outcomes: readonly Outcome[]): void {
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0)
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failures.length, 0)
  console.log(`${passed} checks passed, ${failed} failed`)
  if (failed > 0 || passed === 0) process.exitCode = 1
}
