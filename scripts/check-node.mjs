// Says in one line when the Node that will run is too old, or does not run at all. Runs on any Node from 18.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const needed = [22, 13]
const pinned = fileURLToPath(
  new URL(process.platform === 'win32' ? '../node_modules/.bin/node.cmd' : '../node_modules/.bin/node', import.meta.url),
)

// npm puts node_modules/.bin first on the PATH: what is installed there is what runs.
const isPinned = existsSync(pinned)
const found = isPinned ? versionOf(pinned) : process.version

if (!isEnough(found)) {
  const which = isPinned ? (found === '' ? 'one in node_modules that does not run here' : `${found} in node_modules`) : found
  const how = 'npm ci brings its own for Linux with glibc; elsewhere (Alpine: npm ci --omit=optional) install Node 22.13 or newer yourself'
  console.error(`Drawbridge: found Node ${which}; needed ${needed.join('.')} or newer; to get it: ${how}.`)
  process.exit(1)
}

function versionOf(path) {
  const ran = spawnSync(path, ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' })
  return ran.status === 0 ? ran.stdout.trim() : ''
}

function isEnough(version) {
  const parts = version.replace(/^v/, '').split('.').map(Number)
  return parts[0] > needed[0] || (parts[0] === needed[0] && parts[1] >= needed[1])
}
