import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const dependencies = z.record(z.string(), z.string()).default({})
const manifestShape = z.object({
  name: z.string(),
  dependencies,
  devDependencies: dependencies,
  optionalDependencies: dependencies,
  scripts: dependencies,
})
const lockedShape = z.object({
  version: z.string().optional(),
  integrity: z.string().optional(),
  resolved: z.string().optional(),
  link: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
  dependencies,
})

type Manifest = z.infer<typeof manifestShape>

const folders = ['.', 'test', ...['packages', 'examples'].flatMap((name) => readdirSync(join(root, name)).map((each) => join(name, each)))]
const manifests: readonly Manifest[] = folders.map((folder) => manifestShape.parse(JSON.parse(read(join(folder, 'package.json')))))
const locked = new Map(
  Object.entries(z.object({ packages: z.record(z.string(), lockedShape) }).parse(JSON.parse(read('package-lock.json'))).packages),
)
const foreign = [...locked].filter(([path, { link }]) => path.includes('node_modules/') && !link)

/** What is installed with a package of ours, its own dependencies and theirs, as the lockfile has it. */
function installedWith(folder: string): string[] {
  const found = new Set<string>()
  const visit = (path: string): void => {
    for (const name of Object.keys(locked.get(path)?.dependencies ?? {})) {
      const at = [`${path}/node_modules/${name}`, `node_modules/${name}`].find((candidate) => locked.has(candidate)) ?? name
      const target = locked.get(at)?.link ? (locked.get(at)?.resolved ?? at) : at
      if (found.has(target)) continue
      found.add(target)
      visit(target)
    }
  }
  visit(folder)
  return [...found]
    .filter((path) => path.includes('node_modules/'))
    .map((path) => path.replace(/^.*node_modules\//, ''))
    .sort()
}

describe('what is installed (T106)', () => {
  it('runs no script, and is saved to the letter', () => {
    const settings = read('.npmrc').trim().split('\n')
    expect(settings).toEqual(expect.arrayContaining(['ignore-scripts=true', 'save-exact=true']))
  })

  it('comes from the registry and is what it was when it was locked', () => {
    expect(foreign.length).toBeGreaterThan(100)
    const wrong = foreign.filter(([, { integrity, resolved, version }]) => {
      const elsewhere = resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/')
      return elsewhere || !integrity?.startsWith('sha512-') || !/^\d+\.\d+\.\d+/.test(version ?? '')
    })
    expect(wrong.map(([path]) => path)).toEqual([])
  })

  it('is asked for by one exact version, never by a URL, a branch or a path', () => {
    const asked = manifests.flatMap(({ name, dependencies, devDependencies, optionalDependencies }) =>
      Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).map(([on, version]) => `${name}: ${on} ${version}`),
    )
    expect(asked.length).toBeGreaterThan(20)
    expect(asked.filter((each) => !/ (npm:@?[\w./-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(each))).toEqual([])
  })

  it('would run a script of its own in one known case, a program that only tests use', () => {
    expect(foreign.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)).toEqual([
      'node_modules/@modelcontextprotocol/inspector',
    ])
    const hooks = manifests.flatMap(({ name, scripts }) =>
      Object.keys(scripts)
        .filter((script) => /^(pre|post)?install$|^prepare$/.test(script))
        .map((script) => `${name} ${script}`),
    )
    expect(hooks).toEqual([])
  })
})

describe('what our users get with us (T106)', () => {
  it.each([
    ['packages/core', ['hono', 'ipaddr.js', 'jose', 'oauth4webapi', 'zod']],
    ['packages/providers', ['hono', 'ipaddr.js', 'jose', 'oauth4webapi', 'zod']],
  ])('%s brings these packages and no other', (folder, names) => {
    expect(installedWith(folder)).toEqual(names)
  })

  it('packages/storage brings Redis and Keyv, and 20 packages at most', () => {
    const names = installedWith('packages/storage')
    expect(names).toEqual(expect.arrayContaining(['@keyv/redis', '@redis/client', 'hono', 'jose', 'keyv']))
    expect(names.length).toBeLessThanOrEqual(20)
  })
})
