import type { JWK } from 'jose'
import { requireClientKeys } from '../protocol/client-keys.ts'
import {
  type ClientMetadata,
  cleanName,
  type GrantType,
  parseClientMetadata,
  type RegistrationPolicy,
} from '../protocol/client-metadata.ts'
import { hashSecret } from '../protocol/compare.ts'
import { deviceGrantType } from '../protocol/device-code.ts'
import { OAuthError } from '../protocol/errors.ts'
import { isScope } from '../protocol/scope.ts'
import type { Client } from '../records/client.ts'

/** A client that the operator registers by hand: it needs no registration endpoint, and never ends. */
export interface StaticClient {
  readonly clientId: string
  /** Only for a client that keeps it secret; without it, and without keys, the client is public. */
  readonly clientSecret?: string
  /** Its public keys, for a client that signs instead of sending a secret (`private_key_jwt`): themselves, or where they are. */
  readonly jwks?: { readonly keys: readonly JWK[] }
  readonly jwksUri?: string
  /** How it sends the secret. Default: `client_secret_basic`. */
  readonly authentication?: 'client_secret_basic' | 'client_secret_post'
  /** Where people are sent back to; a client that sends nobody here, a machine or a device, has none. */
  readonly redirectUris?: readonly string[]
  /** What it may use. `client_credentials` lets it act for itself, with its own `scopes`. Default: `authorization_code` and `refresh_token`. */
  readonly grantTypes?: readonly GrantType[]
  readonly clientName?: string
  /** What it gets when it asks for no scope, and the most it gets for itself. Default: `requiredScopes`. */
  readonly scopes?: readonly string[]
}

/** Whether an id or a secret is the same form-encoded and not: programs differ in whether they encode what goes into a Basic header (gotcha G12). */
export function isSafe(text: unknown): text is string {
  return typeof text === 'string' && /^[\x21-\x7e]{1,200}$/.test(text) && !/[+%]/.test(text)
}

const knownGrantTypes: readonly GrantType[] = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
  deviceGrantType,
]

function refuseGrantTypes({ grantTypes = ['authorization_code'], clientSecret, jwks, jwksUri }: StaticClient): void {
  if (!Array.isArray(grantTypes) || grantTypes.length === 0 || !grantTypes.every((type) => knownGrantTypes.includes(type)))
    throw new TypeError(`has other grantTypes than ${knownGrantTypes.join(', ')}`)
  if (grantTypes.includes('client_credentials') && (clientSecret ?? jwks ?? jwksUri) === undefined)
    throw new TypeError('has the grant type client_credentials and nothing to prove itself by: give it a clientSecret or jwks')
}

// A variable that is not set would make a client that keeps a secret one that anybody can be.
function refuseAuthentication(client: StaticClient): void {
  const { clientSecret, jwks, jwksUri, authentication } = client
  const unset = (['clientSecret', 'jwks', 'jwksUri'] as const).find((name) => name in client && (client[name] ?? undefined) === undefined)
  if (unset) throw new TypeError(`has a ${unset} that is not set`)
  if (clientSecret !== undefined && clientSecret.length < 16) throw new TypeError('has a clientSecret of less than 16 characters')
  if (clientSecret !== undefined && !isSafe(clientSecret))
    throw new TypeError('has a clientSecret with a blank, + % or other characters than ASCII')
  if (clientSecret !== undefined && (jwks ?? jwksUri) !== undefined)
    throw new TypeError('has a clientSecret and keys: it proves itself by one of them')
  if (authentication !== undefined && !['client_secret_basic', 'client_secret_post'].includes(authentication))
    throw new TypeError('has an authentication that is neither client_secret_basic nor client_secret_post')
}

function refuseScopes({ scopes }: StaticClient): void {
  if (scopes !== undefined && !(Array.isArray(scopes) && scopes.every((scope) => typeof scope === 'string' && isScope(scope))))
    throw new TypeError('has scopes that are not a list of scopes, each as RFC 6749 has it')
}

function metadataOf({ grantTypes, redirectUris, clientName }: StaticClient, policy: RegistrationPolicy): ClientMetadata {
  const cleaned = cleanName(clientName ?? '')
  const named = cleaned ? { clientName: cleaned } : {}
  if (grantTypes && !grantTypes.includes('authorization_code')) return { redirectUris: [], authentication: 'none', grantTypes, ...named }
  const metadata = parseClientMetadata({ redirect_uris: redirectUris }, policy)
  return { ...metadata, ...named, ...(grantTypes && { grantTypes }) }
}

/** A static client as a record. Throws a `TypeError` that says what is wrong with it. */
export function parseStaticClient(client: StaticClient, policy: RegistrationPolicy): Client {
  const { clientId, clientSecret, jwks, jwksUri, authentication = 'client_secret_basic', scopes } = client
  const signs = jwks !== undefined || jwksUri !== undefined
  if (!isSafe(clientId) || clientId.includes(':')) throw new TypeError('has a clientId with a blank, : + % or other characters than ASCII')
  refuseAuthentication(client)
  refuseGrantTypes(client)
  refuseScopes(client)
  try {
    return {
      ...metadataOf(client, policy),
      id: clientId,
      authentication: signs ? 'private_key_jwt' : clientSecret === undefined ? 'none' : authentication,
      ...(signs && requireClientKeys(jwks, jwksUri)),
      ...(clientSecret !== undefined && { secretHash: hashSecret(clientSecret) }),
      ...(scopes && { scope: scopes }),
      createdAt: 0,
      endsAt: Number.MAX_SAFE_INTEGER,
    }
  } catch (cause) {
    if (cause instanceof OAuthError) throw new TypeError(`is refused: ${cause.message}`, { cause })
    throw cause
  }
}
