// Builds, makes sure of what the tests need, and runs all of them once. The last line is `N passed, N failed`.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withNeeds } from './needs.mjs'
import { build, environment, root } from './run.mjs'
import { runTests } from './run-tests.mjs'

const args = process.argv.slice(2)
const kept = join(root, 'node_modules', '.cache', 'drawbridge')
const count = join(kept, 'test-count.txt')
const ran = join(kept, 'tests.json')

for (const old of [count, ran]) rmSync(old, { force: true })
build()
const { tests, passed, failed, problems } = runTests(args, withNeeds(environment))

for (const problem of problems) console.error(problem)
const line = `${passed} passed, ${failed} failed`
mkdirSync(kept, { recursive: true })
writeFileSync(count, `${line}\n`)
if (tests.length > 0) writeFileSync(ran, JSON.stringify({ whole: args.length === 0, tests }))
console.log(line)
process.exitCode = problems.length === 0 && failed === 0 ? 0 : 1
