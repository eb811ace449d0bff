// Says in one line when the Node that will run is too old, or does not run at all. Runs on any Node from 18.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const needed = [22, 13]
const pinned = fileURLToPath(
  new URL(process.platform === 'win32' ? '../node_modules/.bin/node.cmd' : '../node_modules/.bin/node', import.meta.url),
)

// npm puts node_modules/.bin first on the PATH: what is installed there is what runs. Where it cannot run (it is for glibc),
// a shell goes on to the next one, so that this can be read; but what starts programs in other ways may not.
const isPinned = existsSync(pinned)
const version = isPinned ? versionOf(pinned) : process.version

if (!isEnough(version)) {
  const found = version === '' ? 'a Node in node_modules that does not run here' : `Node ${version}${isPinned ? ' in node_modules' : ''}`
  const how =
    'npm ci brings one for Linux with glibc; elsewhere (on Alpine after npm ci --omit=optional) install Node 22.13 or newer yourself'
  console.error(`Drawbridge: found ${found}; needed ${needed.join('.')} or newer; to get it: ${how}.`)
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
