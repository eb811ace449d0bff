import { randomBytes } from 'node:crypto'
import { appendFile, chmod, link, readFile, rm, writeFile } from 'node:fs/promises'
import type { KeyName, Variables } from './config.ts'
import { readDotenv } from './dotenv.ts'

/** A new key, as its variable takes it. */
const makers: Readonly<Record<KeyName, () => string>> = {
  // 48 bytes are more than HS256 needs (RFC 7518 §3.2: 32) and leave no base64 padding.
  JWT_SIGNING_KEY: () => randomBytes(48).toString('base64url'),
  // What Python's Fernet.generate_key() prints: 32 bytes, base64url, padded.
  STORAGE_ENCRYPTION_KEY: () => `${randomBytes(32).toString('base64url')}=`,
}

/** New keys as the lines of a `.env`. */
export function makeKeyLines(names: readonly KeyName[]): string {
  return names.map((name) => `${name}=${makers[name]()}\n`).join('')
}

/**
 * Makes keys and adds them to the `.env` at `path`, which then is for its owner only (mode 0600). Other lines stay as they
 * are, and so does a key that is there. Answers what the file holds afterwards: of two processes that find no file
 * and start at once, both use the same keys.
 */
export async function makeKeys(path: string, names: readonly KeyName[]): Promise<Variables> {
  if (await createFile(path, comment + makeKeyLines(names))) return readDotenv(path)
  const present = await readDotenv(path)
  const missing = names.filter((name) => !present[name])
  if (missing.length > 0) await extendFile(path, comment + makeKeyLines(missing))
  return readDotenv(path)
}

const comment = '# Made at the first start. Who has these can sign tokens and open the store.\n'

// Written in full under another name first, so that nobody reads half of it; false when there is a file already.
async function createFile(path: string, text: string): Promise<boolean> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, text, { mode: 0o600, flag: 'wx' })
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft)
  }
}

async function extendFile(path: string, text: string): Promise<void> {
  await chmod(path, 0o600)
  const present = await readFile(path, 'utf8')
  await appendFile(path, present === '' || present.endsWith('\n') ? text : `\n${text}`)
}
