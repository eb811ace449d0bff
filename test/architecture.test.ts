import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { avoidedWords, functionsWithoutRule } from '../scripts/check-words.mjs'
import { codeOf, lineAt, withoutComments, withoutDocComments } from '../scripts/source-text.mjs'

// How the packages are built, as rules over their sources. ARCHITECTURE.md says why. Each rule is shown a source that
// breaks it, so that we know it can fail, and then the real tree.

interface SourceFile {
  /** From the root of the project, with slashes. */
  readonly path: string
  readonly text: string
}

/** What a rule found, as `path:line: what`. */
type Rule = (files: readonly SourceFile[]) => string[]

/** The floors of core, upwards. Folders that share a floor do not import each other; '' is what lies beside the folders. */
const floors = [
  ['protocol'],
  ['ports'],
  ['http', 'records'],
  ['upstream'],
  ['assertions'],
  ['clients', 'tokens'],
  ['verifiers'],
  ['discovery', 'register', 'push', 'authorize', 'consent', 'callback', 'device', 'token', 'revoke', 'introspect', 'gate'],
  ['config'],
  [''],
  ['adapters'],
]
const rooms = floors.find((floor) => floor.includes('discovery')) ?? []

/** The one place that touches the outside world, and what it does that with. */
const outside = 'packages/core/src/ports/environment.ts'
const outsideParts = [
  outside,
  'packages/core/src/ports/pinned-fetch.ts',
  'packages/core/src/ports/resolve-host.ts',
  'packages/core/src/ports/current-request.ts',
]

// --- The rules ---

const floorsImportOnlyFloorsBelow: Rule = (files) =>
  importsWithin('packages/core/src/', files).flatMap(({ file, line, from, to, target }) => {
    if (from === 'testing' || from === to || (rooms.includes(from) && rooms.includes(to))) return []
    const [own, other] = [floorOf(from), floorOf(to)]
    if (own === -1) return [`${file.path}:${line}: ${from}/ has no floor`]
    return own > other && other !== -1 ? [] : [`${file.path}:${line}: imports ${target}, which is not below it`]
  })

const aRoomImportsNoRoom: Rule = (files) =>
  importsWithin('packages/core/src/', files).flatMap(({ file, line, from, to, target }) =>
    from !== to && rooms.includes(from) && rooms.includes(to) ? [`${file.path}:${line}: imports ${target}`] : [],
  )

const testSupportUsesWhatAUserCould: Rule = (files) =>
  importsWithin('packages/core/src/testing/', files).flatMap(({ file, line, to, target }) =>
    ['testing', 'protocol', 'ports'].includes(to) || target === 'packages/core/src/index.ts'
      ? []
      : [`${file.path}:${line}: imports ${target}`],
  )

const nothingImportsTestSupport: Rule = (files) =>
  importsWithin('packages/core/src/', files).flatMap(({ file, line, from, to, target }) =>
    to === 'testing' && from !== 'testing' ? [`${file.path}:${line}: imports ${target}`] : [],
  )

const protocolIsPure: Rule = (files) =>
  below('packages/core/src/protocol/', files).flatMap((file) =>
    importsOf(file).flatMap(({ line, from, names }) => {
      if (!isBare(from) || from === 'zod' || from === 'ipaddr.js') return []
      const isHashing = from === 'node:crypto' && names.every((name) => ['createHash', 'createHmac', 'timingSafeEqual'].includes(name))
      return isHashing ? [] : [`${file.path}:${line}: imports ${names.join(', ')} from ${from}`]
    }),
  )

const coreImportsNoProviderStoreOrFramework: Rule = (files) =>
  below('packages/core/src/', files).flatMap((file) =>
    importsOf(file).flatMap(({ line, from }) => {
      const folder = folderOf(file.path)
      if (!isBare(from) || ['zod', 'jose', 'oauth4webapi', 'ipaddr.js', 'node:crypto'].includes(from)) return []
      if (outsideParts.includes(file.path) && from.startsWith('node:')) return []
      if (folder === 'http' && /^hono(\/|$)/.test(from)) return []
      if (
        folder === 'adapters' &&
        /^(hono|@hono\/node-server|@modelcontextprotocol\/sdk|@opentelemetry\/api|node:[a-z/]+)(\/|$)/.test(from)
      )
        return []
      if (folder === 'testing' && ['vitest', 'msw', 'node:util'].includes(packageOf(from))) return []
      // A room that shows a page writes it with hono's template; it knows nothing else of hono.
      if (/\/page\.ts$/.test(file.path) && from === 'hono/html') return []
      return [`${file.path}:${line}: imports ${from}`]
    }),
  )

const providersAndStoresImportOnlyWhatCoreExports: Rule = (files) => {
  const exported = Object.keys(manifestOf('packages/core').exports ?? {}).map((path) => path.replace(/^\./, '@drawbridge/core'))
  const allowed = { 'packages/providers/src/': exported, 'packages/storage/src/': [...exported, 'keyv', '@keyv/redis', 'pg'] }
  return Object.entries(allowed).flatMap(([folder, names]) =>
    below(folder, files).flatMap((file) =>
      importsOf(file).flatMap(({ line, from, target }) => {
        const isAllowed = isBare(from) ? from.startsWith('node:') || names.includes(from) : target.startsWith(folder)
        return isAllowed ? [] : [`${file.path}:${line}: imports ${from}`]
      }),
    ),
  )
}

const theOutsideWorldIsInjected: Rule = (files) =>
  files
    .filter(({ path }) => path !== outside)
    .flatMap((file) => {
      const code = codeOf(file.text).replace(declaredMethod, (name) => ' '.repeat(name.length))
      return outsideWorld.flatMap(([pattern, name, exempt]) =>
        exempt?.test(file.path) ? [] : [...code.matchAll(pattern)].map((match) => `${file.path}:${lineAt(code, match.index)}: ${name}`),
      )
    })

/** What belongs behind `Environment` and `emit`, as [how it looks, its name, where it is allowed all the same]. */
const outsideWorld: readonly (readonly [RegExp, string, RegExp?])[] = [
  [/\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b/g, 'the clock'],
  // The contracts are run by tests, on stores that others use too, and need names that nobody else has.
  [
    /\bMath\.random\b|\brandomBytes\s*(?=,[^(]*\}\s*from\b|\}\s*from\b)|\b(?:randomUUID|randomInt|randomFillSync|getRandomValues)\b/g,
    'randomness',
    /^packages\/storage\/src\/contract\//,
  ],
  [/(?<![.\w$#])fetch\(|\bglobalThis\.fetch\b/g, 'fetch'],
  // What the driver of PostgreSQL takes from there is judged by what it finds.
  [/\bprocess\.env\b/g, 'process.env', /^packages\/storage\/src\/postgres-exposure\.ts$/],
  [/(?<![.\w$])console\b/g, 'console'],
  [/\bprocess\.(?:stdout|stderr)\b/g, 'output', /^packages\/core\/src\/adapters\//],
  [/\bsetInterval\b/g, 'a timer that nobody waits for'],
]

/** A `fetch` that a class, an interface or an object declares: it has typed parameters or a body. */
const declaredMethod = /\bfetch(?=\([\w$]+\??: )|(?<=^\s*(?:async )?)fetch(?=\((?:\)|[^;\n]*\)(?::[^;\n]*)? \{$))/gm

/** Bytes are compared where they are made: in the cipher, and in the one helper for texts. */
const comparers: readonly string[] = ['packages/core/src/protocol/compare.ts', 'packages/storage/src/fernet.ts']

const secretsAreComparedInConstantTime: Rule = (files) =>
  files
    .filter(({ path }) => !path.includes('/testing/'))
    .flatMap((file) => {
      const code = codeOf(file.text)
      const direct = [
        ...code.matchAll(/\b\w*(?:[tT]oken|[sS]ecret|[hH]ash|[mM]ac|[vV]erifier|[cC]hallenge)\s*[!=]==(?!\s*(?:undefined\b|null\b|['"]))/g),
      ]
      const own = comparers.includes(file.path) ? [] : [...code.matchAll(/\btimingSafeEqual\b/g)]
      return [...direct, ...own].map((match) => `${file.path}:${lineAt(code, match.index)}: ${match[0]}`)
    })

const noPatternIsMadeOfWhatComesIn: Rule = (files) =>
  files.flatMap((file) => {
    const code = codeOf(file.text)
    return [...code.matchAll(/\bRegExp\(/g)].map((match) => `${file.path}:${lineAt(code, match.index)}: ${match[0]}`)
  })

const noStateInModules: Rule = (files) =>
  files.flatMap((file) => {
    const code = codeOf(file.text)
    const found = [...code.matchAll(moduleState)].filter((match) => match[0].includes('static') || depthAt(code, match.index) === 0)
    return found.map((match) => `${file.path}:${lineAt(code, match.index)}: ${match[0].trim()}`)
  })

const moduleState =
  /^[ \t]*(?:export )?(?:let|var)\b|\bstatic\b[^\n=(]*=\s*new \w+|(?<!=>\s*)\bnew (?:(?:Map|WeakMap|WeakSet|BoundedCache)\b|Set(?:<[^>]*>)?\(\s*\))|(?<==\s*)(?:\[\]|\{\})/gm

const aFileHasAtMost150Lines: Rule = (files) =>
  files.flatMap((file) => {
    const lines = withoutDocComments(file.text).trimEnd().split('\n').length
    return lines > 150 ? [`${file.path}: ${lines} lines`] : []
  })

const aFunctionHasAtMost40Lines: Rule = (files) =>
  files.flatMap((file) => functionsOf(file.text).flatMap(({ line, lines }) => (lines > 40 ? [`${file.path}:${line}: ${lines} lines`] : [])))

const publishedCodeImportsOnlyWhatItDeclares: Rule = (files) =>
  ['packages/core', 'packages/providers', 'packages/storage'].flatMap((folder) => {
    const { name, dependencies = {}, peerDependencies = {} } = manifestOf(folder)
    const declared = [name, ...Object.keys(dependencies), ...Object.keys(peerDependencies)]
    return below(`${folder}/src/`, files).flatMap((file) =>
      importsOf(file).flatMap(({ line, from }) => {
        const isDeclared = !isBare(from) || from.startsWith('node:') || declared.includes(packageOf(from))
        return isDeclared ? [] : [`${file.path}:${line}: imports ${from}`]
      }),
    )
  })

// --- Shown to fail, and holding ---

const rules: readonly { readonly rule: string; readonly check: Rule; readonly broken: readonly [path: string, text: string][] }[] = [
  {
    rule: 'a floor imports only floors below it',
    check: floorsImportOnlyFloorsBelow,
    broken: [
      ['packages/core/src/protocol/scope.ts', "import type { Store } from '../ports/store.ts'"],
      ['packages/core/src/http/form.ts', "import { records } from '../records/records.ts'"],
      ['packages/core/src/records/grant.ts', "export { issueTokens } from '../tokens/issue-tokens.ts'"],
      ['packages/core/src/tokens/keys.ts', "import type { OAuthProxyOptions } from '../config/options.ts'"],
      ['packages/core/src/token/endpoint.ts', "const { mcpApp } = await import('../adapters/hono.ts')"],
      ['packages/core/src/token/endpoint.ts', "type Options = import('../config/options.ts').OAuthProxyOptions"],
      ['packages/core/src/cupboard/endpoint.ts', "import { parseScope } from '../protocol/scope.ts'"],
      ['packages/core/src/index.ts', "import {\n  mcpApp,\n} from './adapters/hono.ts'"],
    ],
  },
  {
    rule: 'a room imports no room',
    check: aRoomImportsNoRoom,
    broken: [
      ['packages/core/src/authorize/endpoint.ts', "import { consentPage } from '../consent/page.ts'"],
      ['packages/core/src/callback/endpoint.ts', "import '../token/endpoint.ts'"],
    ],
  },
  {
    rule: 'testing/ uses protocol/, ports/ and what core exports',
    check: testSupportUsesWhatAUserCould,
    broken: [['packages/core/src/testing/fake-upstream.ts', "import { upstreamClient } from '../upstream/upstream-client.ts'"]],
  },
  {
    rule: 'nothing imports testing/',
    check: nothingImportsTestSupport,
    broken: [['packages/core/src/index.ts', "export { fixedEnvironment } from './testing/fixed-environment.ts'"]],
  },
  {
    rule: 'protocol/ does no I/O',
    check: protocolIsPure,
    broken: [
      ['packages/core/src/protocol/pkce.ts', "import { createHash, randomBytes } from 'node:crypto'"],
      ['packages/core/src/protocol/scope.ts', "import { readFileSync } from 'node:fs'"],
      ['packages/core/src/protocol/scope.ts', "import { importJWK } from 'jose'"],
    ],
  },
  {
    rule: 'core imports no provider, store or framework outside adapters/ and http/',
    check: coreImportsNoProviderStoreOrFramework,
    broken: [
      ['packages/core/src/records/records.ts', "import Keyv from 'keyv'"],
      ['packages/core/src/oauth-proxy.ts', "import { memoryStore } from '@drawbridge/storage'"],
      ['packages/core/src/oauth-proxy.ts', "import { GitHubProvider } from '@drawbridge/providers/github'"],
      ['packages/core/src/token/endpoint.ts', "import { Hono } from 'hono'"],
      ['packages/core/src/consent/page.ts', "import { getCookie } from 'hono/cookie'"],
      ['packages/core/src/http/endpoint.ts', "import { serve } from '@hono/node-server'"],
      ['packages/core/src/records/deployment.ts', "import { readFile } from 'node:fs/promises'"],
      ['packages/core/src/ports/store.ts', "import { request } from 'node:https'"],
      ['packages/core/src/front.ts', "import { trace } from '@opentelemetry/api'"],
      ['packages/core/src/emit-to.ts', "import { AsyncLocalStorage } from 'node:async_hooks'"],
    ],
  },
  {
    rule: 'providers and stores import only what core exports',
    check: providersAndStoresImportOnlyWhatCoreExports,
    broken: [
      ['packages/providers/src/github.ts', "import { parseScope } from '../../core/src/protocol/scope.ts'"],
      ['packages/providers/src/github.ts', "import { parseScope } from '@drawbridge/core/dist/protocol/scope.js'"],
      ['packages/providers/src/github.ts', "import { memoryStore } from '@drawbridge/storage'"],
      ['packages/storage/src/memory-store.ts', "import { z } from 'zod'"],
    ],
  },
  {
    rule: 'the clock, randomness, the network, the environment and the log are injected',
    check: theOutsideWorldIsInjected,
    broken: [
      ['packages/core/src/tokens/issue-tokens.ts', 'const issuedAt = Date.now()'],
      ['packages/core/src/tokens/issue-tokens.ts', 'const text = `issued at $' + '{Date.now()}`'],
      ['packages/core/src/tokens/issue-tokens.ts', 'const issuedAt = new Date()'],
      ['packages/core/src/consent/endpoint.ts', 'const nonce = Math.random()'],
      ['packages/storage/src/fernet.ts', "import { createCipheriv, randomBytes } from 'node:crypto'"],
      ['packages/core/src/consent/endpoint.ts', 'const id = crypto.randomUUID()'],
      ['packages/providers/src/github.ts', 'const answer = await fetch(url)'],
      ['packages/providers/src/github.ts', "fetch(url, {\n  method: 'POST',\n})"],
      ['packages/core/src/upstream/upstream-client.ts', 'const call = input.fetch ?? globalThis.fetch'],
      ['packages/core/src/config/options.ts', 'const url = process.env.BASE_URL'],
      ['packages/core/src/http/endpoint.ts', "console.error('it broke')"],
      ['packages/storage/src/memory-store.ts', 'setInterval(sweep, 1000)'],
      ['packages/storage/src/memory-store.ts', "process.stdout.write('ready')"],
    ],
  },
  {
    rule: 'secrets are compared by the one helper that takes the same time for all (T20)',
    check: secretsAreComparedInConstantTime,
    broken: [
      ['packages/core/src/clients/authenticate-client.ts', 'if (client.secretHash === hashSecret(proof)) return client'],
      ['packages/core/src/consent/endpoint.ts', 'if (sent.csrfToken !== known) throw refuse()'],
      ['packages/core/src/records/redeem-code.ts', "import { timingSafeEqual } from 'node:crypto'"],
    ],
  },
  {
    rule: 'no pattern is made of what comes in (T79)',
    check: noPatternIsMadeOfWhatComesIn,
    broken: [
      ['packages/core/src/protocol/redirect-pattern.ts', 'const pattern = new RegExp(text)'],
      ['packages/core/src/protocol/redirect-pattern.ts', 'const pattern = RegExp(`^$' + '{text}$`)'],
    ],
  },
  {
    rule: 'no module keeps state',
    check: noStateInModules,
    broken: [
      ['packages/core/src/tokens/keys.ts', 'let current: SigningKey | undefined'],
      ['packages/core/src/tokens/keys.ts', 'export let current = 0'],
      ['packages/core/src/tokens/keys.ts', 'const verified = new Map<string, Verified>()'],
      ['packages/core/src/tokens/keys.ts', 'const verified: Cache =\n  new BoundedCache(100)'],
      ['packages/core/src/tokens/keys.ts', 'const seen = new Set<string>()'],
      ['packages/core/src/tokens/keys.ts', 'const seen: string[] = []'],
      ['packages/core/src/tokens/keys.ts', 'export class Keys {\n  static #seen = new Map()\n}'],
    ],
  },
  {
    rule: 'a file has at most 150 lines, doc comments left out',
    check: aFileHasAtMost150Lines,
    broken: [['packages/core/src/oauth-proxy.ts', `/**\n * A.\n */\n${'export const a = 1\n'.repeat(151)}`]],
  },
  {
    rule: 'a function has at most 40 lines',
    check: aFunctionHasAtMost40Lines,
    broken: [
      [
        'packages/core/src/token/endpoint.ts',
        `export async function tokenEndpoint(\n  needs: Needs,\n): Promise<Endpoint> {\n${'  a()\n'.repeat(37)}}`,
      ],
      ['packages/core/src/token/endpoint.ts', `export function tokenEndpoint({\n  codes,\n}: Needs): Endpoint {\n${'  a()\n'.repeat(37)}}`],
      ['packages/core/src/token/endpoint.ts', `export const answer = (a: string): string => {\n${'  a()\n'.repeat(39)}}`],
      [
        'packages/core/src/oauth-proxy.ts',
        `class OAuthProxy {\n  async fetch(request: Request): Promise<Response> {\n${'    a()\n'.repeat(39)}  }\n}`,
      ],
      ['packages/core/src/oauth-proxy.ts', `class OAuthProxy {\n  constructor(options: Options) {\n${'    a()\n'.repeat(39)}  }\n}`],
      ['packages/core/src/http/endpoint.ts', `router.use(async (context, next) => {\n${'  a()\n'.repeat(39)}})`],
    ],
  },
  {
    rule: 'published code imports only dependencies and peers that its package declares',
    check: publishedCodeImportsOnlyWhatItDeclares,
    broken: [
      ['packages/core/src/testing/describe-provider.ts', "import { setupServer } from 'undeclared/node'"],
      ['packages/providers/src/github.ts', "import { z } from 'zod'"],
    ],
  },
]

describe.each(rules)('$rule', ({ check, broken }) => {
  it.each(named(broken))('finds $name', ({ path, text }) => {
    expect(check([{ path, text }])).not.toEqual([])
  })

  it('holds', () => {
    expect(check(sources())).toEqual([])
  })
})

describe('the lint for words, which looks at the real tree', () => {
  it.each([
    ['packages/core/src/clients/find-client.ts', 'const idpName = 1', 'upstream'],
    ['packages/core/src/clients/find-client.ts', 'interface Needs { readonly profile: Identity }', 'identity'],
    ['packages/core/src/clients/find-client.ts', 'class ClientManager {}', 'the name of what it does'],
    [
      'packages/core/src/clients/find-client.ts',
      'export function validateClient(client: Client): void {}',
      'parse…, require…, is…, or matches…',
    ],
    ['packages/core/src/clients/find-client.ts', 'abstract class BaseClient {}', 'the name of what it is'],
    ['packages/core/src/clients/utils.ts', '', 'the name of the one thing it exports'],
    ['packages/core/src/clients/findClient.ts', '', 'kebab-case'],
  ])('finds in %s: %s', (path, text, instead) => {
    expect(avoidedWords([{ path, text: `\n${text}` }]).map((found) => found.instead)).toEqual([instead])
  })

  it('leaves alone what others named, what is said in comments and literals, and wire names', () => {
    const text =
      "import { generateKeyPair } from 'jose'\n// a session, a helper\nconst a = `idp`\noauth.processResponse(a)\nconst user_info = 'backend'"
    expect(avoidedWords([{ path: 'packages/core/src/tokens/keys.ts', text }])).toEqual([])
  })

  it('finds a function of protocol/ that names no rule', () => {
    const text =
      '/** The scopes (RFC 6749 §3.3). */\nexport function a(): void {}\n\n/** A list. */\nexport function b(): void {}\n\n/** Ours. */\nexport const c = (): void => {}'
    expect(functionsWithoutRule([{ path: 'packages/core/src/protocol/scope.ts', text }]).map((found) => found.found)).toEqual(['b'])
  })
})

describe('no rule minds', () => {
  it.each(
    named([
      ['packages/core/src/token/endpoint.ts', "// Date.now() and import '../consent/page.ts'\nconst hint = 'console.log(process.env)'"],
      [
        'packages/core/src/oauth-proxy.ts',
        'class OAuthProxy {\n  fetch(request: Request): Promise<Response> {\n    return this.#environment.fetch(request)\n  }\n}',
      ],
      [
        'packages/core/src/tokens/upstream-handle.ts',
        'return {\n  fetch(input, init = {}) {\n    return environment.fetch(input, init)\n  },\n}',
      ],
      ['packages/core/src/http/page.ts', 'export function page(title: string, headers: Headers = {}): Html {\n  return new Map()\n}'],
      ['packages/core/src/protocol/bounded-cache.ts', 'export class BoundedCache {\n  #young = new Map<string, number>()\n}'],
      [
        'packages/core/src/protocol/scope.ts',
        "const known = new Set(['openid'])\nexport function f(): void {\n  let a = 0\n  const found: string[] = []\n}",
      ],
      ['packages/core/src/http/page.ts', "import { html } from 'hono/html'\nconst style = `\nlet a\nvar b\n`"],
      ['packages/core/src/ports/environment.ts', "import { randomBytes } from 'node:crypto'\nconst now = () => Date.now()"],
      [
        'packages/storage/src/keyv-store.ts',
        "import type { Store } from '@drawbridge/core'\nimport Keyv from 'keyv'\nimport { sealed } from './sealed.ts'",
      ],
      [
        'packages/core/src/token/endpoint.ts',
        `export function a(): void {\n${'  b()\n'.repeat(38)}}\n\nexport function c(): void {\n  d()\n}`,
      ],
      ['packages/core/src/token/redeem-code.ts', "import { parseScope } from '../protocol/scope.ts'\nimport { answer } from './answer.ts'"],
    ]),
  )('$name', ({ path, text }) => {
    expect(rules.flatMap(({ check }) => check([{ path, text }]))).toEqual([])
  })
})

/** Each source with a name for its test: its path and its first line. */
function named(files: readonly (readonly [path: string, text: string])[]): (SourceFile & { name: string })[] {
  return files.map(([path, text]) => {
    const first = withoutDocComments(text).split('\n')[0] ?? ''
    return { name: `${path}: ${first.length > 72 ? `${first.slice(0, 71)}…` : first}`, path, text }
  })
}

// --- Reading sources ---

const root = fileURLToPath(new URL('..', import.meta.url))

/** The sources the rules bind; tests are left out. */
function sources(): SourceFile[] {
  return ['packages/core/src', 'packages/providers/src', 'packages/storage/src'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => ({ path: `${folder}/${name.replaceAll('\\', '/')}`, text: readFileSync(join(root, folder, name), 'utf8') })),
  )
}

interface Manifest {
  readonly name: string
  readonly exports?: Record<string, unknown>
  readonly dependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
}

interface Import {
  readonly line: number
  /** As written. */
  readonly from: string
  /** The path it leads to, when it is relative. */
  readonly target: string
  readonly names: readonly string[]
}

function importsOf({ path, text }: SourceFile): Import[] {
  const code = withoutComments(text)
  const statements = /^\s*(?:import|export)\b(?:([^'"`;=()]*?)\bfrom)?\s*(['"])([^'"\n]+)\2|\bimport\(\s*(['"])([^'"\n]+)\4\s*\)/gm
  return [...code.matchAll(statements)].map((match) => {
    const from = match[3] ?? match[5] ?? ''
    const names = (match[1] ?? '').replace(/\btype\b/g, '').match(/[A-Za-z_$][\w$]*|\*/g) ?? ['*']
    const target = isBare(from) ? from : normalize(join(dirname(path), from)).replaceAll('\\', '/')
    return { line: lineAt(code, match.index + match[0].search(/\S/)), from, target, names }
  })
}

interface ImportWithin extends Omit<Import, 'names'> {
  readonly file: SourceFile
  /** The folder of core at this end, instead of the specifier. */
  readonly from: string
  /** The folder of core at the other. */
  readonly to: string
}

/** The relative imports of the files below `folder`. */
function importsWithin(folder: string, files: readonly SourceFile[]): ImportWithin[] {
  return below(folder, files).flatMap((file) =>
    importsOf(file)
      .filter(({ from }) => !isBare(from))
      .map((found) => ({ ...found, file, from: folderOf(file.path), to: folderOf(found.target) })),
  )
}

function below(folder: string, files: readonly SourceFile[]): SourceFile[] {
  return files.filter(({ path }) => path.startsWith(folder))
}

/** The folder of core that holds `path`; '' for what lies beside the folders. */
function folderOf(path: string): string {
  return /^packages\/core\/src\/([^/]+)\//.exec(path)?.[1] ?? ''
}

function floorOf(folder: string): number {
  return floors.findIndex((floor) => floor.includes(folder))
}

function isBare(specifier: string): boolean {
  return !specifier.startsWith('.')
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

/** How many braces, brackets and parentheses are open at `index`: 0 is the module itself. */
function depthAt(code: string, index: number): number {
  const before = code.slice(0, index)
  return (before.match(/[{([]/g)?.length ?? 0) - (before.match(/[})\]]/g)?.length ?? 0)
}

/** The functions of a text as our formatter leaves it, each with the lines from its first to its closing one. */
function functionsOf(text: string): { line: number; lines: number }[] {
  const lines = codeOf(text).split('\n')
  const documented = new Set(docCommentLines(text))
  return lines.flatMap((line, start) => {
    if (!beginsFunction(line)) return []
    const end = endOfBlock(lines, start)
    const counted = lines.slice(start, end + 1).filter((_, offset) => !documented.has(start + offset))
    return [{ line: start + 1, lines: counted.length }]
  })
}

const functionBeginnings = [
  /\bfunction\b/,
  // Arrow functions, whatever they are given to.
  /=>\s*[({]?\s*$/,
  /=\s*(?:async\s*)?(?:<[^>]*>)?\($/,
  // Methods.
  /^\s+(?:(?:static|async|override|private|protected|get|set)\s+)*(?!(?:if|for|while|switch|catch|return|await|function)\b)[#\w$]+(?:<[^>]*>)?\((?:[^;]*\{|)$/,
]

function beginsFunction(line: string): boolean {
  return functionBeginnings.some((pattern) => pattern.test(line))
}

/** The line that closes what `start` opens: the first one as far to the left that is no part of the head. */
function endOfBlock(lines: readonly string[], start: number): number {
  const indent = indentOf(lines[start] ?? '')
  for (let at = start + 1; at < lines.length; at += 1) {
    const line = lines[at] ?? ''
    if (line.trim() === '' || indentOf(line) > indent) continue
    if (!/^\s*[)}\]]/.test(line)) return at - 1
    if (!/(?:[{([]|=>)\s*$/.test(line)) return at
  }
  return lines.length - 1
}

function indentOf(line: string): number {
  return line.search(/\S|$/)
}

function docCommentLines(text: string): number[] {
  return [...text.matchAll(/^[ \t]*\/\*\*[\s\S]*?\*\/[ \t]*$/gm)].flatMap((match) => {
    const first = lineAt(text, match.index) - 1
    return match[0].split('\n').map((_, offset) => first + offset)
  })
}
