// Builds, makes sure of what the tests need, and runs all of them once. The last line is `N passed, N failed`.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { ensureChromium } from './ensure-chromium.mjs'
import { ensureRedis } from './ensure-redis.mjs'
import { build, environment, root, run } from './run.mjs'

const args = process.argv.slice(2)
const kept = join(root, 'node_modules', '.cache', 'drawbridge')
const count = join(kept, 'test-count.txt')
const ran = join(kept, 'tests.json')

for (const old of [count, ran]) rmSync(old, { force: true })
build()
const env = { ...environment, ...needs() }
const { code, report } = runTests()
const outcome = judge(code, report)

for (const problem of outcome.problems) console.error(problem)
const line = `${outcome.passed} passed, ${outcome.failed} failed`
mkdirSync(kept, { recursive: true })
writeFileSync(count, `${line}\n`)
if (report !== undefined) writeFileSync(ran, JSON.stringify({ whole: args.length === 0, tests: testsOf(report) }))
console.log(line)
process.exitCode = outcome.problems.length === 0 && outcome.failed === 0 ? 0 : 1

/** The variables of what the tests need from this machine. */
function needs() {
  try {
    return { ...ensureChromium(), ...ensureRedis() }
  } catch (cause) {
    console.error(cause.message)
    process.exit(1)
  }
}

function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-test-'))
  const file = join(folder, 'report.json')
  const ended = run('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...args], { env })
  const written = readReport(file)
  rmSync(folder, { recursive: true })
  return { code: ended, report: written }
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** What the report comes to. A file that does not load counts as a failure, and so does an end that the tests do not explain. */
function judge(code, report) {
  if (report === undefined) return { passed: 0, failed: 1, problems: ['The tests ended without a report.'] }
  const tests = testsOf(report)
  const passed = tests.filter((test) => test.status === 'passed').length
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  )
  const failed = tests.filter((test) => test.status === 'failed').length + broken.length
  const problems = skippedTests(tests)
  if (passed + failed === 0) problems.push('No test ran.')
  if (code !== 0 && failed === 0 && problems.length === 0) return { passed, failed: 1, problems: [`vitest ended with ${code}: see above.`] }
  return { passed, failed, problems }
}

/** Every test, as `{ file, name, status }`. */
function testsOf(report) {
  return report.testResults.flatMap((file) =>
    file.assertionResults.map((test) => ({
      file: relative(root, file.name).replaceAll('\\', '/'),
      name: [...test.ancestorTitles, test.title].join(' > '),
      status: test.status,
    })),
  )
}

/** We never skip. With `-t` the others are left out on purpose. */
function skippedTests(tests) {
  if (args.some((arg) => arg === '-t' || arg.startsWith('--testNamePattern'))) return []
  const skipped = tests.filter((test) => test.status !== 'passed' && test.status !== 'failed')
  return skipped.map((test) => `Skipped, which no test may be: ${test.file}: ${test.name}`)
}
