import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from './run.mjs'

/**
 * Finds a program that the tests need: where `variable` says, on PATH, or `elsewhere`, which gives paths; or installs its Debian
 * package, as root, after saying so. Gives its path. Throws with the lines that install it when it is not there and may not, or cannot, be installed.
 */
export function ensureProgram({ what, variable, names, elsewhere = () => [], debian, howToGetIt }) {
  const help = `Get it with one of these, or set ${variable} to the one you have:\n${howToGetIt}`
  const path = findProgram({ variable, names, elsewhere })
  if (path !== undefined) return path
  if (process.env.NO_INSTALL === '1') throw new Error(`The tests need ${what}, and NO_INSTALL=1 forbids installing it. ${help}`)
  if (process.getuid?.() !== 0 || onPath('apt-get') === undefined) throw new Error(`The tests need ${what}. ${help}`)
  console.log(`The tests need ${what}, which is not here: installing it with apt-get (NO_INSTALL=1 forbids it).`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const update = run('apt-get', ['update', '-qq'], { env })
  const install = run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debian], { env })
  const installed = somewhere({ names, elsewhere })
  if (installed !== undefined) return installed
  throw new Error(`apt-get installed no ${what} (update ended with ${update}, install with ${install}). ${help}`)
}

function findProgram({ variable, names, elsewhere }) {
  const named = process.env[variable]
  if (!named) return somewhere({ names, elsewhere })
  if (!isProgram(named)) throw new Error(`${variable}=${named} is not a program. Correct it, or unset it to have one looked for.`)
  return named
}

function somewhere({ names, elsewhere }) {
  return names.map(onPath).find((path) => path !== undefined) ?? elsewhere().find(isProgram)
}

function onPath(name) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isProgram)
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
  } catch {
    return false
  }
  // Some distributions put a script there that only says how to install the real one. (On Windows it would open a window.)
  return process.platform === 'win32' || spawnSync(path, ['--version']).status === 0
}
