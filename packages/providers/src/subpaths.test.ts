import { execFile } from 'node:child_process'
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

it.each([
  ['@drawbridge/providers/github', ['dist/github.js', 'dist/oauth.js']],
  ['@drawbridge/providers/oauth', ['dist/oauth.js']],
  ['@drawbridge/providers/several', ['dist/several.js']],
])('%s loads no provider but what it stands on', async (specifier, expected) => {
  expect(ofThisPackage(await filesLoadedFor(specifier)).sort()).toEqual(expected)
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
