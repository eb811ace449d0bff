// Copies code that compiles into the documents: a fence that begins with ```ts source="test/snippets/x.ts#name"``` holds the
// region `name` of that file. With --check nothing is written, and a fence that differs, or has no source, ends with 1.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.mjs'

const isCheck = process.argv.includes('--check')
const fence = /^```(ts|js|typescript|javascript)(?= |$)(?: source="([^"#]+)#([^"]+)")?[^\n]*\n([\s\S]*?)^```$/gm

const problems = documents().flatMap(sync)
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1

/** Where snippets may be: the documents of the project and of its packages. */
function documents() {
  const inDocs = readdirSync(join(root, 'docs'), { recursive: true }).map((name) => join('docs', name))
  const packages = readdirSync(join(root, 'packages')).map((name) => join('packages', name, 'README.md'))
  return ['README.md', 'ARCHITECTURE.md', 'CONTEXT.md', ...inDocs.filter((path) => path.endsWith('.md')), ...packages].filter(
    (path) => read(path) !== undefined,
  )
}

/** Brings one document up to date, or says what is wrong with it. */
function sync(path) {
  const text = read(path)
  const found = []
  const synced = text.replace(fence, (whole, _language, source, name, held) => {
    if (source === undefined) {
      found.push(`${path}: a fence of code without a source: write it in test/snippets/ and name it`)
      return whole
    }
    const code = regionOf(source, name)
    if (code === undefined) found.push(`${path}: there is no region ${name} in ${source}`)
    else if (code !== held && isCheck) found.push(`${path}: the fence of ${source}#${name} differs: run node scripts/sync-snippets.mjs`)
    return code === undefined ? whole : whole.replace(/\n[\s\S]*$/, () => `\n${code}\`\`\``)
  })
  if (synced !== text && !isCheck) writeFileSync(join(root, path), synced)
  return found
}

/** The lines between `//#region name` and the next `//#endregion`, moved to the margin. */
function regionOf(path, name) {
  const lines = read(path)?.split('\n') ?? []
  const start = lines.findIndex((line) => line.trim() === `//#region ${name}`)
  if (start === -1) return undefined
  const length = lines.slice(start + 1).findIndex((line) => line.trim() === '//#endregion')
  if (length === -1) return undefined
  const region = lines.slice(start + 1, start + 1 + length)
  const margin = Math.min(...region.filter((line) => line !== '').map((line) => line.search(/\S/)))
  return region.map((line) => `${line.slice(margin)}\n`).join('')
}

function read(path) {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch (cause) {
    if (cause.code === 'ENOENT') return undefined
    throw cause
  }
}
