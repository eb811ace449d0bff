// Proves docs/conformance.md: every requirement has its row, and every test that a row names ran and passed in the last
// `npm test`, and says which requirement it proves. Prints what is due. The last line is `N requirements: ...`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './run.mjs'

/** The numbers of the requirements, first and last of each group. They have gaps. */
const groups = [
  [1, 19],
  [20, 45],
  [50, 78],
  [80, 104],
  [110, 134],
  [140, 147],
]

const numbers = groups.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index))

/** The rows of the table, as `{ number, what, proofs: [{ file, text }], due, notOurs }`. */
export function parseTable(markdown) {
  const rows = [...markdown.matchAll(/^\| R(\d+) \| (.*) \|$/gm)]
  return rows.map(([, number, rest]) => {
    const cells = rest.split(' | ')
    return { number: Number(number), what: cells[0], cells: cells.length, ...parseProof(cells.at(-1)) }
  })
}

function parseProof(cell) {
  const parts = cell.split('<br>').map((part) => part.trim())
  const named = parts.map((part) => /^`([^`]+\.test\.ts)`: (.+)$/.exec(part)).filter((match) => match !== null)
  return {
    proofs: named.map(([, file, text]) => ({ file, text })),
    due: parts.find((part) => part.startsWith('due: '))?.slice(5),
    notOurs: parts.find((part) => part.startsWith('not ours: '))?.slice(10),
    strange: parts.filter((part) => !/^(due: |not ours: |`[^`]+\.test\.ts`: )./.test(part)),
  }
}

/** What is wrong with the table, by the report of the tests: `{ whole, tests: [{ file, name, status }] }`. A line each. */
export function problemsOf(markdown, report) {
  if (report === undefined) return ['No tests ran: run `npm test` first.']
  if (!report.whole) return ['The last `npm test` ran a part of the tests: run it without arguments.']
  const rows = parseTable(markdown)
  const missing = numbers.filter((number) => !rows.some((row) => row.number === number)).map((number) => `R${number}: has no row`)
  const unknown = rows.filter(({ number }) => !numbers.includes(number)).map(({ number }) => `R${number}: is no requirement`)
  const twice = rows.filter(({ number }, index) => rows.findIndex((row) => row.number === number) < index)
  return [
    ...missing,
    ...unknown,
    ...twice.map(({ number }) => `R${number}: has two rows`),
    ...rows.flatMap((row) => problemsOfRow(row, report.tests).map((problem) => `R${row.number}: ${problem}`)),
  ]
}

function problemsOfRow({ number, cells, proofs, due, notOurs, strange }, tests) {
  if (cells !== 3) return [`has ${cells} cells after its number, not 3`]
  if (strange.length > 0) return strange.map((part) => `${JSON.stringify(part)} is neither a test nor what is due`)
  if (proofs.length === 0 && due === undefined && notOurs === undefined) return ['names no test']
  return proofs.flatMap((proof) => problemsOfProof(number, proof, tests))
}

function problemsOfProof(number, { file, text }, tests) {
  const named = tests.filter((test) => test.file === file && test.name.includes(text))
  if (named.length === 0) return [`${file} has no test "${text}"`]
  const claimed = named.filter(({ name }) => requirementsIn(name).has(number))
  if (claimed.length === 0) return [`${file}: "${text}" does not say that it proves R${number}`]
  return claimed.filter(({ status }) => status !== 'passed').map(({ name, status }) => `${file}: "${name}" ${status}`)
}

/** The requirements that a test's name says it proves: `(R5, R7 to R10)`. `REL-R5` is another thing. */
function requirementsIn(name) {
  const found = [...name.matchAll(/(?<![\w-])R(\d+)(?: to R(\d+))?\b/g)]
  return new Set(found.flatMap(([, first, last = first]) => numbers.filter((number) => number >= Number(first) && number <= Number(last))))
}

function readReport() {
  try {
    return JSON.parse(readFileSync(join(root, 'node_modules', '.cache', 'drawbridge', 'tests.json'), 'utf8'))
  } catch (cause) {
    if (cause.code === 'ENOENT') return undefined
    throw cause
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const markdown = readFileSync(join(root, 'docs', 'conformance.md'), 'utf8')
  const rows = parseTable(markdown)
  const problems = problemsOf(markdown, readReport())
  const due = rows.filter((row) => row.due !== undefined)
  for (const row of due) console.log(`R${row.number} is due: ${row.due} (${row.what})`)
  for (const problem of problems) console.error(problem)
  const proven = rows.filter((row) => row.proofs.length > 0 && row.due === undefined).length
  const notOurs = rows.filter((row) => row.notOurs !== undefined).length
  console.log(`${numbers.length} requirements: ${proven} proven, ${due.length} due, ${notOurs} not ours, ${problems.length} problems`)
  if (problems.length > 0) process.exitCode = 1
}
