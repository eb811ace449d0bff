import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseTable, problemsOf } from '../../scripts/check-conformance.mjs'

const page = readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8')
const rows = parseTable(page)

/** A report in which every test that the page names ran and passed. */
const tests = rows.flatMap(({ number, proofs }) =>
  proofs.map(({ file, text }) => ({ file, name: `${text} (R${number})`, status: 'passed' })),
)
const last = tests.at(-1) ?? { file: '', name: '', status: '' }
const lastText = last.name.replace(' (R147)', '')

describe('the table of requirements', () => {
  it('has a row for each of the 132 requirements, and nothing else', () => {
    expect(rows.length).toBe(132)
    expect(problemsOf(page, { whole: true, tests })).toEqual([])
  })

  it.each([
    ['a row is missing', () => page.replace(/^\| R5 \|.*\n/m, ''), 'R5: has no row'],
    ['a row is there twice', () => page.replace(/^(\| R5 \|.*\n)/m, '$1$1'), 'R5: has two rows'],
    ['a row names no test', () => page.replace(/^(\| R5 \|.*\|) [^|]* \|$/m, '$1 soon |'), 'R5: "soon" is neither a test nor what is due'],
    [
      'a row is of no requirement',
      () => page.replace(/^(\| R5 \|.*\n)/m, (row) => row + row.replace('R5', 'R46')),
      'R46: is no requirement',
    ],
  ])('is wrong when %s', (_, change, problem) => {
    expect(problemsOf(change(), { whole: true, tests })).toContain(problem)
  })

  it.each(['failed', 'skipped', 'todo'])('is wrong when a test that it names %s', (status) => {
    const [problem] = problemsOf(page, { whole: true, tests: [...tests.slice(0, -1), { ...last, status }] })
    expect(problem).toContain(`${last.file}: "${last.name}" ${status}`)
  })

  it('is wrong when a test that it names is gone, or does not say what it proves', () => {
    const others = tests.map((test) => (test.file === last.file ? { ...test, name: 'another (R147)' } : test))
    expect(problemsOf(page, { whole: true, tests: others })).toContain(`R147: ${last.file} has no test "${lastText}"`)
    const silent = tests.map((test) => ({ ...test, name: test.name.replace(/ \(R\d+\)$/, '') }))
    expect(problemsOf(page, { whole: true, tests: silent })).toContain(`R147: ${last.file}: "${lastText}" does not say that it proves R147`)
  })

  it('proves nothing without the whole of the tests', () => {
    expect(problemsOf(page, undefined)).toEqual(['No tests ran: run `npm test` first.'])
    expect(problemsOf(page, { whole: false, tests })).toEqual(['The last `npm test` ran a part of the tests: run it without arguments.'])
  })
})
