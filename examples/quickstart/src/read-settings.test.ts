import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigurationError } from '@drawbridge/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { readSettings } from './read-settings.ts'

const keys = {
  JWT_SIGNING_KEY: 'A_signing_key_of_more_than_32_bytes',
  STORAGE_ENCRYPTION_KEY: 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=',
}
let folder = ''
let path = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'settings-'))
  path = join(folder, '.env')
})

describe('readSettings', () => {
  it('makes both keys at the first start, and reads them at the second', async () => {
    const first = await readSettings(path, {})
    expect(first.dotenv).toEqual({ path, taken: [], made: ['JWT_SIGNING_KEY', 'STORAGE_ENCRYPTION_KEY'] })
    expect(first.settings.missingKeys).toEqual([])
    const second = await readSettings(path, {})
    expect(second.dotenv).toEqual({ path, taken: ['JWT_SIGNING_KEY', 'STORAGE_ENCRYPTION_KEY'], made: [] })
    expect(second.settings).toEqual(first.settings)
  })

  it('makes only the key that is missing, and never overrides one that is set', async () => {
    const { settings, dotenv } = await readSettings(path, { JWT_SIGNING_KEY: keys.JWT_SIGNING_KEY })
    expect(dotenv.made).toEqual(['STORAGE_ENCRYPTION_KEY'])
    expect(settings.jwtSigningKeys).toEqual([keys.JWT_SIGNING_KEY])
    expect(await readFile(path, 'utf8')).not.toContain('JWT_SIGNING_KEY')
  })

  it('makes no file where nothing is missing', async () => {
    await readSettings(path, keys)
    expect(await readdir(folder)).toEqual([])
  })

  it('names the variables of ours that came from the file, and only those', async () => {
    await writeFile(path, 'PORT=8001\nHOST=0.0.0.0\nOTHER=1\n')
    const { settings, dotenv } = await readSettings(path, { ...keys, PORT: '9000' })
    expect(dotenv).toEqual({ path, taken: ['HOST'], made: [] })
    expect([settings.port, settings.host]).toEqual([9000, '0.0.0.0'])
  })

  it('makes nothing off loopback, for many hosts, or beside another problem', async () => {
    const app = { GITHUB_CLIENT_ID: 'Iv1.1', GITHUB_CLIENT_SECRET: 'hush' }
    for (const set of [{ ...app, BASE_URL: 'https://mcp.example.com' }, { HOSTS: 'many' }, { PORT: 'x' }]) {
      await expect(readSettings(path, set)).rejects.toThrow(ConfigurationError)
    }
    expect(await readdir(folder)).toEqual([])
  })
})
