// Looks at what would be published as its users get it: the tarballs, linted, listed, installed in an empty project,
// imported and compiled against.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { build, environment, packagesIn, root, run } from './run.mjs'

const consumer = `import { GitHubProvider } from '@drawbridge/providers/github'
import { encrypted, fernet, memoryStore } from '@drawbridge/storage'
import { postgresStore } from '@drawbridge/storage/postgres'

export const postgres = postgresStore('postgres://localhost/drawbridge')
const auth = new GitHubProvider({
  baseUrl: 'https://mcp.example.com',
  clientId: 'id',
  clientSecret: 'secret',
  jwtSigningKey: process.env.JWT_SIGNING_KEY ?? '',
  clientStorage: encrypted(memoryStore(), fernet(process.env.STORAGE_ENCRYPTION_KEY ?? '')),
})
const answer: Promise<Response | undefined> = auth.fetch(new Request('https://mcp.example.com/token'))
console.log(await answer, auth.getRoutes('/mcp').map((route) => route.path))
`

const published = /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/.+\.(js|js\.map|d\.ts|d\.ts\.map)|src\/.+\.ts)$/
const tests = /(\.test\.|\.tsbuildinfo$|__tests__)/

build('--filter=./packages/*')
const folder = mkdtempSync(join(tmpdir(), 'drawbridge-packages-'))
try {
  const packages = packagesIn('packages').filter(({ manifest }) => manifest.private !== true)
  const packed = packages.map(pack)
  const problems = [...packed.flatMap(problemsOf), ...install(packed)]
  for (const problem of problems) console.error(problem)
  console.log(problems.length === 0 ? `${packed.length} packages are fit to publish.` : `${problems.length} problems.`)
  if (problems.length > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Packs and unpacks a package. */
function pack({ folder: from, manifest }) {
  const ran = spawnSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: join(root, from),
    env: environment,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (ran.status !== 0) throw new Error(`npm pack failed in ${from}:\n${ran.stderr}`)
  const [{ filename, files }] = Object.values(JSON.parse(ran.stdout))
  const tarball = join(folder, filename)
  const unpacked = join(folder, manifest.name.replace('/', '-'))
  mkdirSync(unpacked)
  if (run('tar', ['-xzf', tarball, '-C', unpacked, '--strip-components=1']) !== 0) throw new Error(`tar cannot read ${tarball}`)
  return { name: manifest.name, manifest, tarball, unpacked, files: files.map(({ path }) => path) }
}

function problemsOf(packed) {
  const { name, tarball } = packed
  console.log(`\n${name}: ${packed.files.length} files`)
  const lints = run('publint', ['run', tarball, '--strict']) === 0 ? [] : [`${name}: publint has objections, see above`]
  return [...lints, ...problemsOfTypes(packed), ...problemsOfFiles(packed)]
}

function problemsOfTypes({ name, tarball }) {
  const args = [tarball, '--profile', 'esm-only', '--no-emoji', '--no-color']
  if (run('attw', [...args, '--quiet']) === 0) return []
  run('attw', args)
  return [`${name}: its types are wrong, see above`]
}

/** Only dist and src, no tests, nothing left over from a source that is gone, and maps that lead to what is shipped. */
function problemsOfFiles({ name, files, unpacked }) {
  const strange = files
    .filter((file) => !published.test(file) || tests.test(file))
    .map((file) => `${name}: ${file} does not belong in the package`)
  const compiled = files.filter((file) => file.endsWith('.js'))
  const stale = compiled
    .filter((file) => !files.includes(file.replace(/^dist\/(.*)\.js$/, 'src/$1.ts')))
    .map((file) => `${name}: ${file} has no source (left over? remove dist and build again)`)
  const astray = files
    .filter((file) => file.endsWith('.map'))
    .flatMap((file) => {
      const { sources, sourceRoot } = JSON.parse(readFileSync(join(unpacked, file), 'utf8'))
      const isShipped = sources.every((source) => files.includes(join(dirname(file), source).replaceAll('\\', '/')))
      return isShipped && !sourceRoot ? [] : [`${name}: ${file} leads to ${sources.join(', ')}, which is not shipped`]
    })
  return [...strange, ...stale, ...astray]
}

/** Installs all tarballs in an empty project, imports what needs no peer until it is used, and compiles a program that uses them. */
function install(packed) {
  const project = join(folder, 'project')
  mkdirSync(project)
  const dependencies = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]))
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }))
  const args = ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  if (run('npm', args, { cwd: project, env: outsideOfNpm() }) !== 0) return ['The tarballs cannot be installed.']
  return [...packed.flatMap((one) => importAll(project, one)), ...compile(project)]
}

/** Without what an npm that runs us says about this project. */
function outsideOfNpm() {
  const inherited = /^npm_(package|lifecycle|command|config_(local_prefix|workspaces?$|include_workspace_root))/
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !inherited.test(name)))
}

function importAll(project, { name, manifest, unpacked }) {
  const peers = Object.keys(manifest.peerDependencies ?? {})
  return entriesOf(manifest, unpacked).flatMap(([path, target]) => {
    const specifier = join(name, path).replaceAll('\\', '/')
    const needed = peers.filter((peer) => bareImports(join(unpacked, target.default)).has(peer))
    if (needed.length > 0) console.log(`${specifier} is not imported: it needs the peer ${needed.join(', ')}`)
    if (needed.length > 0) return []
    const code = `if (Object.keys(await import('${specifier}')).length === 0) throw new Error('it exports nothing')`
    return run('node', ['--input-type=module', '--eval', code], { cwd: project }) === 0
      ? []
      : [`${specifier} cannot be imported, see above`]
  })
}

/** The entries of a package; one with a star is each file that it stands for. */
function entriesOf({ exports }, unpacked) {
  return Object.entries(exports).flatMap(([path, target]) => {
    if (target === null) return []
    if (!path.includes('*')) return [[path, target]]
    const files = readdirSync(join(unpacked, dirname(target.default)), { withFileTypes: true })
    const names = files.filter((file) => file.isFile() && file.name.endsWith('.js')).map((file) => file.name.slice(0, -3))
    return names.map((name) => [path.replace('*', name), { default: target.default.replace('*', name) }])
  })
}

/** The packages that a compiled file, and what it imports, needs as soon as it is imported. */
function bareImports(file, seen = new Set()) {
  if (seen.has(file)) return new Set()
  seen.add(file)
  const specifiers = [...readFileSync(file, 'utf8').matchAll(/(?:\bfrom|^import)\s*['"]([^'"\n]+)['"]/gm)].map((match) => match[1])
  const own = specifiers.filter((one) => !one.startsWith('.')).map((one) => one.split('/', one.startsWith('@') ? 2 : 1).join('/'))
  const others = specifiers.filter((one) => one.startsWith('.')).flatMap((one) => [...bareImports(join(dirname(file), one), seen)])
  return new Set([...own, ...others])
}

function compile(project) {
  const compilerOptions = {
    target: 'ES2023',
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: false,
    typeRoots: [join(root, 'node_modules', '@types')],
    types: ['node'],
  }
  writeFileSync(join(project, 'consumer.ts'), consumer)
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
  return run('tsc', ['-p', project], { cwd: project }) === 0 ? [] : ['A program that uses the packages does not compile, see above.']
}
