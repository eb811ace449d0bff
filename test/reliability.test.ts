import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const page = readFileSync(join(root, 'docs/reliability.md'), 'utf8')

/** Every promise there is a row for; the gaps are as they are, for a number is never used again. */
const promises = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38],
  ...[39, 40],
]

interface Row {
  readonly promise: number
  readonly runs: string
  readonly files: readonly string[]
}

const rows: readonly Row[] = [...page.matchAll(/^\| REL-R(\d+) \|.*\| ([^|]*) \| ([^|]*) \|$/gm)].map(
  ([, number, runs = '', shown = '']) => ({
    promise: Number(number),
    runs,
    files: [...shown.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
  }),
)

/** The numbers in the names of a file's tests, and of the tests that it registers. */
function numbersIn(file: string): Set<number> {
  const text = readFileSync(join(root, file), 'utf8')
  const names = text.match(/\b(?:it|describe|rule)\b[^\n]*\bREL-R\d+\b[^\n]*|^.*\([^)]*\bREL-R\d+\b[^)]*\)['"`],.*$/gm) ?? []
  return new Set(names.flatMap((name) => [...name.matchAll(/\bREL-R(\d+)\b/g)].map(([, number]) => Number(number))))
}

function testFiles(): string[] {
  return ['packages', 'test', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(test|chaos|soak)\.ts$/.test(file) && !/node_modules|dist\//.test(file))
      .map((file) => `${folder}/${file}`),
  )
}

/** What runs a file, by its name. */
const runOf = (file: string): string => `\`npm ${/\.(chaos|soak)\.ts$/.exec(file)?.[1]?.replace(/^/, 'run ') ?? 'test'}\``

describe('docs/reliability.md', () => {
  it('has one row for every promise', () => {
    expect(rows.map(({ promise }) => promise)).toEqual(promises)
  })

  it.each(rows)('REL-R$promise is shown by tests that carry its number, and says what runs them', ({ promise, runs, files }) => {
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
    expect(files.filter((file) => !numbersIn(file).has(promise))).toEqual([])
    expect(files.length).toBeGreaterThan(0)
    expect(runs).toBe([...new Set(files.map(runOf))].join(', '))
  })

  it('knows every promise that a test is about', () => {
    const named = new Set(testFiles().flatMap((file) => [...numbersIn(file)]))
    expect([...named].filter((number) => !promises.includes(number))).toEqual([])
  })

  it('has a place for the figures of both runs', () => {
    for (const run of ['chaos', 'soak']) expect(page).toMatch(new RegExp(`<!-- npm run ${run} -->\\n[^]*<!-- end of npm run ${run} -->`))
  })
})
