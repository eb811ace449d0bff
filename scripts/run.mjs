import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where the project is. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** The environment of everything the scripts run: the project's own programs first, no colours in logs, nobody told. */
export const environment = {
  ...process.env,
  ...(process.env.CI || !process.stdout.isTTY ? { NO_COLOR: '1' } : {}),
  PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
  TURBO_TELEMETRY_DISABLED: '1',
}

/** Runs a program and waits for it; its output is ours. Gives its exit code. */
export function run(program, args, { cwd = root, env = environment } = {}) {
  const ran = spawnSync(program, args, { cwd, env, stdio: 'inherit', shell: process.platform === 'win32' })
  if (ran.error) console.error(`${program}: ${ran.error.message}`)
  return ran.status ?? 1
}

/** Runs a program and ends everything if it fails. */
export function runOrEnd(program, args, options) {
  const code = run(program, args, options)
  if (code !== 0) process.exit(code)
}

/** Compiles everything, or what `args` select; ends everything if something does not compile. */
export function build(...args) {
  runOrEnd('turbo', ['run', 'build', '--output-logs=errors-only', ...args])
}

/** The folders below `parent` that have a package.json, each with what it says. */
export function packagesIn(parent) {
  return readdirSync(join(root, parent), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(parent, entry.name))
    .flatMap((folder) => {
      const manifest = manifestOf(folder)
      return manifest === undefined ? [] : [{ folder, manifest }]
    })
}

function manifestOf(folder) {
  try {
    return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  } catch (cause) {
    if (cause.code === 'ENOENT') return undefined
    throw cause
  }
}
