import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { addDotenv, parseDotenv, readDotenv } from './dotenv.ts'

describe('parseDotenv', () => {
  it('reads values, quotes and comments', () => {
    const text = [
      '\ufeff# a comment',
      'PORT=8001',
      'export HOST = 0.0.0.0   # another',
      `JWT_SIGNING_KEY='{"kty":"OKP"}'`,
      'MCP_PATH="/m#p"',
      'STORAGE_ENCRYPTION_KEY=cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=',
      'EMPTY=',
    ].join('\r\n')
    expect(parseDotenv(text)).toEqual({
      PORT: '8001',
      HOST: '0.0.0.0',
      JWT_SIGNING_KEY: '{"kty":"OKP"}',
      MCP_PATH: '/m#p',
      STORAGE_ENCRYPTION_KEY: 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=',
      EMPTY: '',
    })
  })

  it('reads a value of several lines in quotes', () => {
    expect(parseDotenv('KEY="-----BEGIN\nabc\n-----END"\n')).toEqual({ KEY: '-----BEGIN\nabc\n-----END' })
  })

  it('lets the last of two lines hold', () => expect(parseDotenv('PORT=1\nPORT=2\n')).toEqual({ PORT: '2' }))
})

describe('readDotenv', () => {
  it('reads a file, and nothing where there is none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dotenv-'))
    await writeFile(join(folder, '.env'), 'PORT=8001\n')
    expect(await readDotenv(join(folder, '.env'))).toEqual({ PORT: '8001' })
    expect(await readDotenv(join(folder, 'none'))).toEqual({})
  })

  it('fails where the file cannot be read', async () => {
    await expect(readDotenv(tmpdir())).rejects.toThrow('EISDIR')
  })
})

describe('addDotenv', () => {
  it('never overrides a variable that is set, and takes an empty one for unset', () => {
    expect(addDotenv({ PORT: '1', HOST: '' }, { PORT: '2', HOST: '0.0.0.0', HOSTS: '' })).toEqual({
      variables: { PORT: '1', HOST: '0.0.0.0' },
      fromFile: ['HOST'],
    })
  })
})
