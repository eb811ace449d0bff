// Runs every example that says how to check itself: a script `check` in its package.json, which exits non-zero when it fails.
import { ensureRedis } from './ensure-redis.mjs'
import { build, environment, packagesIn, run } from './run.mjs'

build()
const env = { ...environment, ...needs() }
const checked = packagesIn('examples').filter(({ manifest }) => manifest.scripts?.check !== undefined)
const failed = checked.filter(({ folder }) => {
  console.log(`\n${folder}`)
  return run('npm', ['run', '--silent', 'check', '-w', folder], { env }) !== 0
})

console.log(`\n${checked.length - failed.length} of ${checked.length} examples ran to their end.`)
for (const { folder } of failed) console.error(`${folder} failed: see above.`)
if (failed.length > 0 || checked.length === 0) process.exitCode = 1

/** The variables of what the examples need from this machine. */
function needs() {
  try {
    return ensureRedis()
  } catch (cause) {
    console.error(cause.message)
    return process.exit(1)
  }
}
