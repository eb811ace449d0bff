import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const folder = fileURLToPath(new URL('..', import.meta.url))

/** The files that Node loads for `specifier`, as users have it: the built packages, in a process of their own. */
async function filesLoadedFor(specifier: string): Promise<string[]> {
  const program = `
    import { registerHooks } from 'node:module'
    const urls = []
    registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) })
    await import(${JSON.stringify(specifier)})
    console.log(JSON.stringify(urls))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { cwd: folder })
  const urls: string[] = JSON.parse(stdout)
  return urls.filter((url) => url.startsWith('file:')).map((url) => fileURLToPath(url).replaceAll('\\', '/'))
}

const ofThisPackage = (files: readonly string[]): string[] => files.flatMap((file) => /\/packages\/providers\/(.*)/.exec(file)?.[1] ?? [])

const names = readdirSync(`${folder}/src`).flatMap((file) => /^([a-z0-9-]+)\.ts$/.exec(file)?.[1] ?? [])

/** What other providers stand on. */
const ground: readonly string[] = ['dist/oauth.js', 'dist/oidc.js']

it.each(names)('@drawbridge/providers/%s loads no provider but what it stands on', async (name) => {
  const loaded = ofThisPackage(await filesLoadedFor(`@drawbridge/providers/${name}`))
  expect(loaded).toContain(`dist/${name}.js`)
  expect(loaded.filter((file) => file !== `dist/${name}.js` && !ground.includes(file) && !file.startsWith('dist/internal/'))).toEqual([])
})

it('a provider loads no framework’s adapter and nothing that only tests need', async () => {
  const files = await filesLoadedFor('@drawbridge/providers/github')
  expect(
    files.filter((file) => /\/core\/dist\/(adapters|testing)\/|\/node_modules\/(msw|vitest|@hono|@modelcontextprotocol)\//.test(file)),
  ).toEqual([])
  expect(files.some((file) => file.endsWith('/core/dist/index.js'))).toBe(true)
})

it('the package as a whole cannot be imported: a provider is a subpath', async () => {
  await expect(filesLoadedFor('@drawbridge/providers')).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED')
})

it('what providers share among themselves cannot be imported', async () => {
  await expect(filesLoadedFor('@drawbridge/providers/internal/members-of')).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED')
})
