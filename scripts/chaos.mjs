// Breaks things, at length, and prints the figures that come of it: `npm run chaos`, and for ten minutes of traffic `npm run soak`.
// What is behind them is vitest's, for one of them: `npm run chaos -- kill`. With `--keep` the figures replace those in
// docs/reliability.md. The last line is `N passed, N failed`.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { withNeeds } from './needs.mjs'
import { build, environment, root } from './run.mjs'
import { runTests } from './run-tests.mjs'

const [which, ...rest] = process.argv.slice(2)
const args = rest.filter((arg) => arg !== '--keep')
const page = join(root, 'docs', 'reliability.md')

build()
const folder = mkdtempSync(join(tmpdir(), 'drawbridge-figures-'))
const file = join(folder, 'figures.jsonl')
writeFileSync(file, '')
const env = { ...withNeeds(environment), DRAWBRIDGE_FIGURES: file }
const { passed, failed, problems } = runTests(['--config', 'vitest.chaos.config.ts', '--project', which, ...args], env)
const table = tableOf(readFileSync(file, 'utf8'))
rmSync(folder, { recursive: true })

for (const problem of problems) console.error(problem)
console.log(`\n${table}\n`)
if (rest.includes('--keep')) keep()
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = problems.length === 0 && failed === 0 ? 0 : 1

function tableOf(lines) {
  const figures = lines.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
  // Two files run side by side, and their figures come as they are measured.
  const rows = figures.toSorted((a, b) => a.from.localeCompare(b.from)).map(({ from, what, is }) => `| ${from} | ${what} | ${is} |`)
  return ['| in | what | figure |', '|---|---|---|', ...rows].join('\n')
}

function keep() {
  const [begin, end] = [`<!-- npm run ${which} -->`, `<!-- end of npm run ${which} -->`]
  const text = readFileSync(page, 'utf8')
  const [before, after] = [text.indexOf(begin), text.indexOf(end)]
  if (before < 0 || after < before) throw new Error(`docs/reliability.md has no place for the figures of npm run ${which}`)
  const machine = `Node ${process.version}, ${cpus().length} cores`
  writeFileSync(page, `${text.slice(0, before)}${begin}\n${machine}:\n\n${table}\n${text.slice(after)}`)
}
