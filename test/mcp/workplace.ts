import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { vi } from 'vitest'

/** How a program ended, and what it said. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A home for clients that are programs of their own. Whatever happens, closing it ends them and removes what they wrote. */
export interface Workplace {
  readonly folder: string
  /** The environment of a program here: its home, and a browser that only notes what it is asked to open. */
  readonly env: Readonly<Record<string, string>>
  /** Runs a program of Node to its end. */
  run(args: readonly string[]): Promise<Ended>
  /** The URL that a program opens next, once that program listens where the person will be sent: some listen late. */
  opened(): Promise<string>
  close(): Promise<void>
}

/** Programs start slowly while others run. */
const patience = { timeout: 20_000, interval: 20 }

export async function openWorkplace(variables: Readonly<Record<string, string>> = {}): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-client-'))
  const browser = join(folder, 'browser')
  const noted = join(folder, 'opened')
  await writeFile(noted, '')
  await writeFile(browser, `#!/bin/sh\nprintf '%s\\n' "$1" >> '${noted}'\n`, { mode: 0o755 })
  const path = [dirname(process.execPath), process.env.PATH].join(delimiter)
  const env = { PATH: path, HOME: folder, BROWSER: browser, ...variables }
  const running = new Set<AbortController>()
  let taken = 0

  // For an end that no hook sees, such as that of a run that is given up.
  const clear = () => {
    for (const life of running) life.abort()
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', clear)

  async function run(args: readonly string[]): Promise<Ended> {
    const life = new AbortController()
    running.add(life)
    const child = spawn(process.execPath, args, {
      env,
      cwd: folder,
      signal: life.signal,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said = { stdout: '', stderr: '' }
    child.stdout.on('data', (text) => Object.assign(said, { stdout: `${said.stdout}${text}` }))
    child.stderr.on('data', (text) => Object.assign(said, { stderr: `${said.stderr}${text}` }))
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve).on('error', () => {}))
    running.delete(life)
    return { code, ...said }
  }

  return {
    folder,
    env,
    run,
    async opened() {
      const url = await vi.waitFor(async () => {
        const url = (await readFile(noted, 'utf8')).split('\n')[taken]
        if (!url) throw new Error('no program opened anything')
        return url
      }, patience)
      taken += 1
      const { hostname, port } = new URL(new URL(url).searchParams.get('redirect_uri') ?? '')
      await vi.waitFor(() => reach(hostname, Number(port)), patience)
      return url
    },
    async close() {
      for (const life of running) life.abort()
      await vi
        .waitFor(() => running.size === 0 || Promise.reject(new Error('a program is still there')), patience)
        .finally(() => {
          process.off('exit', clear)
          clear()
        })
    },
  }
}

function reach(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => {
      socket.destroy()
      resolve()
    }).on('error', reject)
  })
}
