import { chmod, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { parseSettings } from './config.ts'
import { makeKeyLines, makeKeys } from './keys.ts'

const both = ['JWT_SIGNING_KEY', 'STORAGE_ENCRYPTION_KEY'] as const
let folder = ''
let path = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keys-'))
  path = join(folder, '.env')
})

const mode = async () => ((await stat(path)).mode & 0o777).toString(8)

describe('makeKeyLines', () => {
  it('prints 48 random bytes for signing and a Fernet key for the store', () => {
    expect(makeKeyLines(both)).toMatch(/^JWT_SIGNING_KEY=[A-Za-z0-9_-]{64}\nSTORAGE_ENCRYPTION_KEY=[A-Za-z0-9_-]{43}=\n$/)
    expect(makeKeyLines(both)).not.toBe(makeKeyLines(both))
  })

  it('prints keys that the settings take', () => {
    const [jwt = '', storage = ''] = makeKeyLines(both)
      .split('\n')
      .map((line) => line.slice(line.indexOf('=') + 1))
    expect(parseSettings({ JWT_SIGNING_KEY: jwt, STORAGE_ENCRYPTION_KEY: storage })).toMatchObject({
      jwtSigningKeys: [jwt],
      storageEncryptionKeys: [storage],
      missingKeys: [],
    })
  })
})

describe('makeKeys', () => {
  it('makes the file, for its owner only, and leaves nothing beside it', async () => {
    const made = await makeKeys(path, both)
    expect(await mode()).toBe('600')
    expect(await readdir(folder)).toEqual(['.env'])
    expect(await readFile(path, 'utf8')).toBe(
      `# Made at the first start. Who has these can sign tokens and open the store.\nJWT_SIGNING_KEY=${made.JWT_SIGNING_KEY}\nSTORAGE_ENCRYPTION_KEY=${made.STORAGE_ENCRYPTION_KEY}\n`,
    )
  })

  it('leaves the other lines of a file as they are, and closes it to others', async () => {
    await writeFile(path, '# mine\nPORT=8001')
    await chmod(path, 0o644)
    const made = await makeKeys(path, ['JWT_SIGNING_KEY'])
    expect(await mode()).toBe('600')
    expect(await readFile(path, 'utf8')).toBe(
      `# mine\nPORT=8001\n# Made at the first start. Who has these can sign tokens and open the store.\nJWT_SIGNING_KEY=${made.JWT_SIGNING_KEY}\n`,
    )
    expect(made.PORT).toBe('8001')
  })

  it('never replaces a key that is there', async () => {
    const first = await makeKeys(path, both)
    expect(await makeKeys(path, both)).toEqual(first)
  })

  it('gives everybody who starts at once the same keys', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => makeKeys(path, both)))
    expect(new Set(made.map((keys) => JSON.stringify(keys))).size).toBe(1)
  })
})
