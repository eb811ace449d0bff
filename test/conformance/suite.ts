import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'

/** One check of the official suite, as its `checks.json` tells it. */
export interface Check {
  readonly scenario: string
  readonly id: string
  readonly name: string
  readonly status: string
  readonly errorMessage?: string | undefined
}

const checksShape = z.array(z.object({ id: z.string(), name: z.string(), status: z.string(), errorMessage: z.string().optional() }))

const program = createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/dist/index.js')

/** Longer than any run takes; one that hangs is a failure. */
const patience = 120_000

/**
 * Runs the official suite with these arguments, and reads what it wrote: its exit code does not tell a check that was left out
 * from one that passed. Each line that it prints goes to `onLine`; when that fails, so does the run.
 */
export async function runSuite(args: readonly string[], onLine: (line: string) => Promise<void> | void = () => {}): Promise<Check[]> {
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-suite-'))
  try {
    await runToItsEnd([program, ...args, '-o', folder], onLine)
    return await readChecks(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runToItsEnd(args: readonly string[], onLine: (line: string) => Promise<void> | void): Promise<void> {
  const life = AbortSignal.timeout(patience)
  const child = spawn(process.execPath, args, { signal: life, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = new Promise<void>((resolve, reject) => child.on('close', () => resolve()).on('error', reject))
  try {
    for await (const line of createInterface({ input: child.stdout })) await onLine(line)
    await ended
  } finally {
    child.kill('SIGKILL')
  }
}

/** What stands for a scenario that broke off before it wrote anything. */
const nothing = JSON.stringify([{ id: 'checks.json', name: 'checks.json', status: 'MISSING' }])

/** Every check of every scenario; the folder of a scenario is named after its kind, its name and the time. */
async function readChecks(folder: string): Promise<Check[]> {
  const scenarios = (await readdir(folder)).sort()
  const checks = await Promise.all(
    scenarios.map(async (scenario) => {
      const text = await readFile(join(folder, scenario, 'checks.json'), 'utf8').catch(() => nothing)
      const [, name = scenario] = /^(?:authorization-server|server)-(.*)-\d{4}-\d\d-\d\dT.*$/.exec(scenario) ?? []
      return checksShape.parse(JSON.parse(text)).map((check) => ({ ...check, scenario: name }))
    }),
  )
  return checks.flat()
}
