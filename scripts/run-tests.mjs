import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { root, run } from './run.mjs'

/** Runs vitest with `args` once; gives its exit code, what became of every test as `{ file, name, status }`, and what is wrong. */
export function runTests(args, env) {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-test-'))
  const file = join(folder, 'report.json')
  const code = run('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...args], { env })
  const report = readReport(file)
  rmSync(folder, { recursive: true })
  return judge(code, report, args)
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** What the report comes to. A file that does not load counts as a failure, and so does an end that the tests do not explain. */
function judge(code, report, args) {
  if (report === undefined) return { tests: [], passed: 0, failed: 1, problems: ['The tests ended without a report.'] }
  const tests = testsOf(report)
  const passed = tests.filter((test) => test.status === 'passed').length
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  )
  const failed = tests.filter((test) => test.status === 'failed').length + broken.length
  const problems = skippedTests(tests, args)
  if (passed + failed === 0) problems.push('No test ran.')
  if (code !== 0 && failed === 0 && problems.length === 0)
    return { tests, passed, failed: 1, problems: [`vitest ended with ${code}: see above.`] }
  return { tests, passed, failed, problems }
}

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
function skippedTests(tests, args) {
  if (args.some((arg) => arg === '-t' || arg.startsWith('--testNamePattern'))) return []
  const skipped = tests.filter((test) => test.status !== 'passed' && test.status !== 'failed')
  return skipped.map((test) => `Skipped, which no test may be: ${test.file}: ${test.name}`)
}
