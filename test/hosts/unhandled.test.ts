import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import chaos from '../../vitest.chaos.config.ts'
import suite from '../../vitest.config.ts'
import { startHosts } from './hosts.ts'

// Processes start; on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 })

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'drawbridge-unhandled-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('what nobody handles fails the run (REL-R32)', () => {
  it.each([
    ['rejection', 'unhandledRejection: planted'],
    ['exception', 'uncaughtException: planted'],
    ['error event', 'uncaughtException: planted'],
  ] as const)('as %s in a host', async (what, told) => {
    const hosts = await startHosts({ count: 1, store: { kind: 'sqlite', path: join(folder, `${what}.db`) } })
    await hosts.at(0).plant(what)
    await expect(hosts.close()).rejects.toThrow(told)
  })

  it('in a test', () => {
    expect([suite.test?.dangerouslyIgnoreUnhandledErrors, chaos.test?.dangerouslyIgnoreUnhandledErrors]).toEqual([false, false])
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
    const config = join(root, 'test', 'planted', 'vitest.planted.config.ts')
    const { status, stdout, stderr } = spawnSync(process.execPath, [vitest, 'run', '--config', config], { encoding: 'utf8' })
    expect([status, stdout]).toEqual([1, expect.stringMatching(/Tests +1 passed/)])
    expect(stdout + stderr).toMatch(/Unhandled Rejection.*\n.*Error: planted/)
  })
})
