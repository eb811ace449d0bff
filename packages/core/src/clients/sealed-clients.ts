import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import type { Environment } from '../ports/environment.ts'
import { OAuthError } from '../protocol/errors.ts'
import { type Client, clientShape } from '../records/client.ts'

/** Clients that are nowhere but in their own ids. */
export interface SealedClients {
  /** The client under the id that holds it. Throws `invalid_client_metadata` when it does not fit. */
  seal(client: Omit<Client, 'id' | 'endsAt'>): Client
  /** The client in an id; undefined for anything that is not sealed here. */
  open(clientId: string): Client | undefined
}

/** What sealing needs. */
export interface SealingNeeds {
  /** The first seals, all open. */
  readonly keys: readonly [KeyObject, ...KeyObject[]]
  readonly issuer: string
  readonly environment: Pick<Environment, 'randomBytes'>
}

/** Begins every sealed id, so that none is ever taken for a URL (spec row R132), and none of them for an id of a record. */
const prefix = 'sealed_'

/** Clients keep their id in places that were made for short ones, and send it in URLs. */
const longest = 1024

const [nonceLength, tagLength] = [12, 16]

/** The key that seals, from a secret of the operator's, which is used for nothing else (RFC 5869). */
export function sealingKey(secret: KeyObject): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'drawbridge sealed client', 32)))
}

/** Whether `clientId` says that it is a sealed one. */
export function isSealedId(clientId: string): boolean {
  return clientId.startsWith(prefix)
}

/** Opens sealed registration: the id is the client, by AES-256-GCM, bound to this issuer. */
export function sealedClients({ keys, issuer, environment }: SealingNeeds): SealedClients {
  return {
    seal(client) {
      const nonce = environment.randomBytes(nonceLength)
      const cipher = createCipheriv('aes-256-gcm', keys[0], nonce).setAAD(Buffer.from(issuer))
      const text = Buffer.concat([cipher.update(JSON.stringify(client), 'utf8'), cipher.final()])
      const id = `${prefix}${Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url')}`
      if (id.length > longest) throw tooLong()
      return { ...client, id, endsAt: never }
    },
    open(clientId) {
      const bytes = bytesOf(clientId)
      const text = bytes && openByAny(bytes, keys, issuer)
      return text === undefined ? undefined : parseSealed(clientId, text)
    },
  }
}

/** It ends with the key, and not by itself. */
const never = Number.MAX_SAFE_INTEGER

function tooLong(): OAuthError {
  return new OAuthError(
    'invalid_client_metadata',
    'The metadata is too long to be registered here: fewer or shorter redirect URIs would fit.',
    {
      reason: 'metadata_too_long',
    },
  )
}

// To the letter: base64url has spare bits at its end, and every other spelling would be another id of the same client.
function bytesOf(clientId: string): Buffer | undefined {
  if (!isSealedId(clientId) || clientId.length > longest) return undefined
  const bytes = Buffer.from(clientId.slice(prefix.length), 'base64url')
  return `${prefix}${bytes.toString('base64url')}` === clientId && bytes.length > nonceLength + tagLength ? bytes : undefined
}

function openByAny(bytes: Buffer, keys: readonly KeyObject[], issuer: string): string | undefined {
  const [nonce, text, tag] = [bytes.subarray(0, nonceLength), bytes.subarray(nonceLength, -tagLength), bytes.subarray(-tagLength)]
  for (const key of keys) {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength })
    decipher.setAAD(Buffer.from(issuer)).setAuthTag(tag)
    const opened = decipher.update(text)
    try {
      return Buffer.concat([opened, decipher.final()]).toString('utf8')
    } catch {
      // Another key sealed it, or nobody did: the next one tells.
    }
  }
  return undefined
}

// What opens was sealed here; a shape that a later release would write is one that this release does not know.
function parseSealed(id: string, text: string): Client | undefined {
  const parsed = clientShape.safeParse({ ...JSON.parse(text), id, endsAt: never })
  return parsed.success ? parsed.data : undefined
}
