// Runs every example that says how to check itself: a script `check` in its package.json, which exits non-zero when it fails.
import { build, packagesIn, run } from './run.mjs'

build()
const checked = packagesIn('examples').filter(({ manifest }) => manifest.scripts?.check !== undefined)
const failed = checked.filter(({ folder }) => {
  console.log(`\n${folder}`)
  return run('npm', ['run', '--silent', 'check', '-w', folder]) !== 0
})

console.log(`\n${checked.length - failed.length} of ${checked.length} examples ran to their end.`)
for (const { folder } of failed) console.error(`${folder} failed: see above.`)
if (failed.length > 0 || checked.length === 0) process.exitCode = 1
