import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from './run.mjs'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome.exe']
const elsewhere = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

const howToGetIt = `Get it with one of these, or set CHROME_PATH to the one you have:
  macOS   brew install --cask google-chrome
  Debian  sudo apt-get update && sudo apt-get install -y chromium
  Docker  docker run --rm -v "$PWD":/src:ro node:24-bookworm sh -c 'cp -r /src /work && cd /work && npm ci && npm test'`

/**
 * Finds Chromium, or installs it as root on Debian. Gives the variables to run the tests with.
 * Throws with the lines that install it when it is not there and may not, or cannot, be installed.
 */
export function ensureChromium() {
  const path = findChromium()
  if (path !== undefined) return { CHROME_PATH: path }
  if (process.env.NO_INSTALL === '1')
    throw new Error(`The browser tests need Chromium, and NO_INSTALL=1 forbids installing it. ${howToGetIt}`)
  if (process.getuid?.() !== 0 || onPath('apt-get') === undefined) throw new Error(`The browser tests need Chromium. ${howToGetIt}`)
  return { CHROME_PATH: installChromium() }
}

function findChromium() {
  const named = process.env.CHROME_PATH
  if (!named) return names.map(onPath).find((path) => path !== undefined) ?? elsewhere.find(isProgram)
  if (!isProgram(named)) throw new Error(`CHROME_PATH=${named} is not a program. Correct it, or unset it to have Chromium looked for.`)
  return named
}

function installChromium() {
  console.log('The browser tests need Chromium, which is not here: installing it with apt-get (NO_INSTALL=1 forbids it).')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const update = run('apt-get', ['update', '-qq'], { env })
  const install = run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { env })
  const path = onPath('chromium')
  if (path !== undefined) return path
  throw new Error(`apt-get installed no Chromium (update ended with ${update}, install with ${install}). ${howToGetIt}`)
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
