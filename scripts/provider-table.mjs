// Writes the tables of docs/providers/README.md from what the tests of the providers describe, so that a cell says what a test has shown.
// With --check nothing is written, and a table that differs, or a provider without a page, ends with 1. It needs built packages.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './run.mjs'

const page = join(root, 'docs/providers/README.md')
const isCheck = process.argv.includes('--check')

/** Providers that anything can be made of; their descriptions are of made-up upstreams. */
const bases = ['oauth', 'oidc', 'define', 'several', 'readme', 'subpaths']

const described = []
globalThis.describedProviders = described
stubTests()
const names = readdirSync(join(root, 'packages/providers/src')).flatMap((file) => /^([a-z0-9-]+)\.test\.ts$/.exec(file)?.[1] ?? [])
const providers = []
for (const name of names.filter((candidate) => !bases.includes(candidate))) providers.push(await describe(name))

const problems = providers.filter(({ title }) => title === undefined).map(({ name }) => `${name} has no page: docs/providers/${name}.md`)
const tables = {
  proxying: tableOf(
    ['upstream', 'refresh', 'revocation', 'PKCE upstream', 'token of another app', 'who the person is', 'groups'],
    providers.filter(({ proxying }) => proxying.length > 0).map(({ proxying, ...page }) => [linkTo(page), ...cellsOf(proxying)]),
  ),
  remote: tableOf(
    ['authorization server', 'a token is verified by', 'forwards its metadata'],
    providers.filter(({ remote }) => remote.length > 0).map(({ remote, ...page }) => [linkTo(page), ...remoteCellsOf(remote)]),
  ),
}
const text = readFileSync(page, 'utf8')
const written = text.replace(
  /(<!-- table: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g,
  (_, begin, name, end) => `${begin}\n${tables[name]}\n${end}`,
)
if (written !== text && isCheck)
  problems.push('docs/providers/README.md differs from what the tests describe: run node scripts/provider-table.mjs')
if (written !== text && !isCheck) writeFileSync(page, written)
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1

/** Loads the test of a provider, and keeps what it describes. */
async function describe(name) {
  described.length = 0
  await import(pathToFileURL(join(root, `packages/providers/src/${name}.test.ts`)).href)
  const path = join(root, `docs/providers/${name}.md`)
  const title = existsSync(path) ? /^# (.+)$/m.exec(readFileSync(path, 'utf8'))?.[1] : undefined
  const [proxying, remote] = ['proxying', 'remote'].map((kind) =>
    described.filter((one) => one.kind === kind).map(({ description }) => description),
  )
  return { name, title, proxying, remote }
}

function cellsOf(descriptions) {
  const [first] = descriptions
  return [
    refreshOf(descriptions),
    descriptions.some(({ revocation }) => revocation) ? 'yes' : 'no',
    first.authorizationUrl.includes('code_challenge=') ? 'S256' : 'no',
    foreignOf(first),
    whoOf(first),
    descriptions.flatMap(({ groups }) => groups ?? [])[0] ?? '',
  ]
}

function refreshOf(descriptions) {
  const refreshed = descriptions.filter(({ refresh }) => refresh)
  if (refreshed.length === 0)
    return descriptions.some(({ exchange }) => exchange.tokens.expiresIn === undefined) ? 'tokens never expire' : 'no'
  const rotates = refreshed.some(({ refresh }) => refresh.answer.refresh_token !== undefined)
  const some = refreshed.length < descriptions.length && descriptions.some(({ exchange }) => exchange.tokens.expiresIn === undefined)
  return `${some ? 'where tokens expire' : 'yes'}${rotates ? ', and rotates' : ''}`
}

function foreignOf({ openId, identity, asks = [] }) {
  const asked = identity.foreign || asks.some(({ foreign }) => foreign)
  if (openId) return asked ? 'refused by the ID token, and by asking' : 'refused by the ID token'
  return asked ? 'refused by asking' : 'cannot be told'
}

function whoOf({ openId, identity }) {
  const asked = identity.request && `\`${identity.request.method} ${new URL(identity.request.url).pathname}\``
  return [openId && 'ID token', asked].filter(Boolean).join(', ')
}

function remoteCellsOf([{ by, metadata }]) {
  return ['jwksUri' in by ? 'its keys' : 'introspection', metadata ? 'yes' : 'no']
}

function linkTo({ name, title }) {
  return `[${title}](${name}.md)`
}

function tableOf(head, rows) {
  const lines = [head, head.map(() => '---'), ...rows.sort(([one], [other]) => one.localeCompare(other, 'en'))]
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}

/** In place of vitest, and of what runs the descriptions: tests are not run here, and descriptions are kept. */
function stubTests() {
  const nothing =
    'const nothing = new Proxy(function () {}, { get: (_, name) => (name === "then" ? undefined : nothing), apply: () => nothing, construct: () => nothing })'
  const testing = readFileSync(join(root, 'packages/core/dist/testing/index.js'), 'utf8')
  const exported = [...testing.matchAll(/export \{([^}]*)\}/g)]
    .flatMap(([, list]) => list.split(',').map((name) => name.trim()))
    .filter(Boolean)
  const keep = { describeProvider: 'proxying', describeRemoteProvider: 'remote' }
  const stubs = {
    vitest: ['afterAll', 'afterEach', 'beforeAll', 'beforeEach', 'describe', 'expect', 'it', 'test', 'vi'].map(
      (name) => `export const ${name} = nothing`,
    ),
    '@drawbridge/core/testing': exported.map((name) =>
      keep[name]
        ? `export const ${name} = (description) => globalThis.describedProviders.push({ kind: '${keep[name]}', description })`
        : `export const ${name} = nothing`,
    ),
  }
  registerHooks({
    resolve(specifier, context, next) {
      if (!Object.hasOwn(stubs, specifier)) return next(specifier, context)
      const source = [nothing, ...stubs[specifier]].join('\n')
      return { url: `data:text/javascript,${encodeURIComponent(source)}`, shortCircuit: true }
    },
  })
}
