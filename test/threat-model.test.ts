import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const model = readFileSync(join(root, 'docs/threat-model.md'), 'utf8')

/** Every threat there is a row for; the gaps are as they are, for a number is never used again. */
const threats = [
  ...[
    1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 15, 16, 17, 18, 19, 20, 22, 23, 24, 25, 27, 28, 30, 31, 34, 35, 37, 38, 39, 40, 41, 43, 44, 45, 47,
  ],
  ...[48, 49, 51, 53, 55, 56, 57, 58, 59, 60, 61, 62, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 77, 79, 80, 81, 83, 84, 85, 86, 89],
  ...[90, 91, 93, 94, 95, 96, 97, 98, 99, 101, 103, 104, 105, 106, 108],
]

interface Row {
  readonly threat: number
  /** The files that show it; none when it is due. */
  readonly files: readonly string[]
  readonly due: boolean
}

const rows: readonly Row[] = [...model.matchAll(/^\| T(\d+) \|.*\| ([^|]*) \|$/gm)].map(([, number, shown = '']) => ({
  threat: Number(number),
  files: [...shown.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
  due: shown === 'due',
}))

/** The numbers in the names of a file's tests, and of the tests that it registers. */
function numbersIn(file: string): Set<number> {
  const text = readFileSync(join(root, file), 'utf8')
  const names = text.match(/\b(?:it|describe|rule)\b[^\n]*\bT\d+\b[^\n]*|^.*\([^)]*\bT\d+\b[^)]*\)['"`],.*$/gm) ?? []
  return new Set(names.flatMap((name) => [...name.matchAll(/\bT(\d{1,3})\b/g)].map(([, number]) => Number(number))))
}

function testFiles(): string[] {
  return ['packages', 'test', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /(\.test|testing\/describe-provider-[a-z]+)\.ts$/.test(file) && !/node_modules|dist\//.test(file))
      .map((file) => `${folder}/${file}`),
  )
}

describe('docs/threat-model.md', () => {
  it('has one row for every threat', () => {
    expect(rows.map(({ threat }) => threat)).toEqual(threats)
  })

  it.each(rows)('T$threat is shown by tests that carry its number, or is due', ({ threat, files, due }) => {
    expect(due || files.length > 0).toBe(true)
    expect(files.filter((file) => !numbersIn(file).has(threat))).toEqual([])
  })

  it('knows every threat that a test is about', () => {
    const named = new Set(testFiles().flatMap((file) => [...numbersIn(file)]))
    expect([...named].filter((number) => !threats.includes(number))).toEqual([])
  })

  it('names what is due where it lists it', () => {
    const due = rows.filter((row) => row.due).map(({ threat }) => `T${threat}`)
    const list = model.slice(model.indexOf('\n## Due\n'))
    expect(due.filter((threat) => !new RegExp(`\\b${threat}\\b`).test(list))).toEqual([])
  })
})
