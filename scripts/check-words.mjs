// Finds, in packages/*/src, the words that CONTEXT.md says to avoid, as far as a program can tell, and functions of
// protocol/ that do not say which rule they implement.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './run.mjs'
import { codeOf, lineAt, withoutComments } from './source-text.mjs'

/** Words that no identifier may hold, whatever their case, each with what to write instead. */
const avoided = [
  [/^(idp|idps|identityprovider)$/, 'upstream'],
  [/^backend$/, 'upstream, or store'],
  [/^(connector|strategy|integration)$/, 'provider'],
  [/^(consumer|relyingparty|mcpclient)$/, 'client'],
  [/^(enduser|resourceowner)$/, 'person'],
  [/^profile$/, 'identity'],
  [/^(onboarding|signup)$/, 'client registration'],
  [/^(session|flow|authrequest|authflow)$/, 'transaction, or grant'],
  [/^(authcode|ticket)$/, 'code, or upstreamCode'],
  [/^(redirecturl|redirecturls|returnurl|returnuri)$/, 'redirectUri'],
  [/^(callbackuri)$/, 'callback (ours), or redirectUri (the client’s)'],
  [/^(entity|model|repository)$/, 'record, or collection'],
  [/^(expiry|duration)$/, 'lifetime (a length), or expiresAt (a moment)'],
  [/^(upsert)$/, 'change'],
  [/^(manager|helper|helpers|util|utils|service|impl)$/, 'the name of what it does'],
]

/** Verbs that no name begins with: `validateCode`, `checkScope`. */
const avoidedVerbs = [
  [/^(validate|check)$/, 'parse…, require…, is…, or matches…'],
  [/^(handle|process|manage)$/, 'the name of what it does'],
  [/^(load|save)$/, 'find, create, or change'],
  [/^generate$/, 'issue, or create'],
  [/^reject$/, 'refuse'],
]

/** What a type's name does not begin with. */
const avoidedPrefixes = [
  [/^(Base|Abstract)[A-Z]/, 'the name of what it is'],
  [/^I[A-Z][a-z]/, 'the name without I'],
]

const avoidedFiles = /^(utils?|helpers?|common|types|constants|misc|shared)$/
const words = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g
const declared = /\b(?:const|let|function|class|interface|type|enum)\s+([A-Za-z_$][\w$]*)/g

/** Every avoided word in `files`, as `{ path, line, found, instead }`. Names that packages of others export stay as they are. */
export function avoidedWords(files) {
  return files.flatMap((file) => [...avoidedFileNames(file), ...avoidedIdentifiers(file), ...avoidedDeclarations(file)])
}

/** Every function that protocol/ exports without naming the rule it implements: an RFC, a section, an MCP revision, or "ours". */
export function functionsWithoutRule(files) {
  return files.filter(({ path }) => path.startsWith('packages/core/src/protocol/')).flatMap(functionsWithoutRuleIn)
}

function avoidedFileNames({ path }) {
  const name = path.split('/').at(-1).replace(/\..*$/, '')
  if (avoidedFiles.test(name)) return [{ path, line: 1, found: `file name ${name}`, instead: 'the name of the one thing it exports' }]
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) return [{ path, line: 1, found: `file name ${name}`, instead: 'kebab-case' }]
  return []
}

/** Names of options of others, which we have to write as they do. */
const namesOfOthers = new Set(['reconnectStrategy'])

function avoidedIdentifiers({ path, text }) {
  const code = codeOf(text)
  const foreign = new Set(foreignNames(text))
  return [...code.matchAll(/(?<![\w$])[A-Za-z_$][\w$]*/g)].flatMap((match) => {
    const name = match[0]
    // A wire name is not ours, and what is read after a dot may be another's; where it is ours, its declaration is found.
    if (foreign.has(name) || namesOfOthers.has(name) || name.includes('_') || code[match.index - 1] === '.') return []
    const instead = insteadOf(name.match(words) ?? [])
    return instead === undefined ? [] : [{ path, line: lineAt(text, match.index), found: name, instead }]
  })
}

/** An avoided word may be two: `userInfo` is `userinfo`. */
function insteadOf(parts) {
  const lower = parts.map((part) => part.toLowerCase())
  const pairs = lower.slice(1).map((part, index) => lower[index] + part)
  return find(avoided, [...lower, ...pairs])
}

function avoidedDeclarations({ path, text }) {
  const code = codeOf(text)
  return [...code.matchAll(declared)].flatMap((match) => {
    const name = match[1]
    const parts = name.match(words) ?? []
    const isVerb = parts.length > 1 && /^[a-z]/.test(name)
    const instead = find(avoidedPrefixes, [name]) ?? (isVerb ? find(avoidedVerbs, [parts[0]]) : undefined)
    return instead === undefined ? [] : [{ path, line: lineAt(text, match.index), found: name, instead }]
  })
}

function find(table, candidates) {
  return table.find(([pattern]) => candidates.some((candidate) => pattern.test(candidate)))?.[1]
}

/** What a file imports from packages of others, and from Node. */
function foreignNames(text) {
  const imports = [...withoutComments(text).matchAll(/import\s+([^'"]*?)\s+from\s+'([^'.][^']*)'/g)]
  return imports.filter(([, , from]) => !from.startsWith('@drawbridge/')).flatMap(([, names]) => names.match(/[A-Za-z_$][\w$]*/g) ?? [])
}

function functionsWithoutRuleIn({ path, text }) {
  const code = codeOf(text)
  return [...code.matchAll(/^export (?:async )?(?:function\s+([\w$]+)|const\s+([\w$]+)\b[^\n]*=>)/gm)].flatMap((match) => {
    const comment = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*$/.exec(text.slice(0, match.index))?.[0] ?? ''
    if (/RFC|§|\b[Oo]urs\b|\bMCP \d{4}-\d{2}-\d{2}/.test(comment)) return []
    const instead = 'a doc comment with the RFC and section (or MCP revision) it implements, or with "ours"'
    return [{ path, line: lineAt(text, match.index), found: match[1] ?? match[2], instead }]
  })
}

function sources() {
  return readdirSync(join(root, 'packages')).flatMap((name) => {
    const folder = join(root, 'packages', name, 'src')
    return readdirSync(folder, { recursive: true })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(folder, file))
      .map((file) => ({ path: relative(root, file).replaceAll('\\', '/'), text: readFileSync(file, 'utf8') }))
  })
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const files = sources()
  const found = [...avoidedWords(files), ...functionsWithoutRule(files)]
  for (const { path, line, found: name, instead } of found) console.error(`${path}:${line}: ${name}: write ${instead}`)
  if (found.length > 0) process.exitCode = 1
}
