import { describe, expect, it } from 'vitest'
import { AssertionRefused } from '../assertions/verify-assertion.ts'
import { StoreUnavailable } from '../ports/store.ts'
import { hashSecret } from '../protocol/compare.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { Client } from '../records/client.ts'
import { authenticateClient } from './authenticate-client.ts'
import type { ClientAuthentication } from './read-credentials.ts'

const client = (authentication: Client['authentication'], secret?: string): Client => ({
  id: authentication,
  redirectUris: [],
  grantTypes: ['authorization_code'],
  authentication,
  ...(secret !== undefined && { secretHash: hashSecret(secret) }),
  createdAt: 0,
  endsAt: 1,
})
const clients = [
  client('none'),
  client('private_key_jwt'),
  client('client_secret_basic', 'basic-secret'),
  client('client_secret_post', 'post-secret'),
]
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

const assertion = [{ alg: 'ES256' }, { sub: 'private_key_jwt' }, 'signature']
  .map((part) => btoa(JSON.stringify(part)))
  .join('.')
  .replaceAll('=', '')
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const proveByAssertion = async (_: Client, shown: string): Promise<void> => {
  if (shown !== assertion) throw new AssertionRefused('assertion_replayed')
}

const authenticate = (sent: Partial<ClientAuthentication>) =>
  authenticateClient({ findClient: async (id) => clients.find((one) => one.id === id), proveByAssertion })({
    authorization: undefined,
    clientId: undefined,
    clientSecret: undefined,
    ...sent,
  })

describe('a client is who it says it is', () => {
  it.each<[Partial<ClientAuthentication>, string]>([
    [{ clientId: 'none' }, 'none'],
    [{ authorization: basic('client_secret_basic:basic-secret') }, 'client_secret_basic'],
    [{ clientId: 'client_secret_post', clientSecret: 'post-secret' }, 'client_secret_post'],
    [{ assertion, assertionType }, 'private_key_jwt'],
  ])('by the method it registered: %j (R85)', async (sent, id) => {
    expect((await authenticate(sent)).id).toBe(id)
  })

  it.each<[string, Partial<ClientAuthentication>, string]>([
    ['unknown', { clientId: 'nobody' }, 'client_unknown'],
    ['unknown, with a secret', { clientId: 'nobody', clientSecret: 'x' }, 'client_unknown'],
    ['named as something of JavaScript', { clientId: '__proto__' }, 'client_unknown'],
    ['public, with a secret in the body (R88)', { clientId: 'none', clientSecret: 'x' }, 'client_authentication_by_another_method'],
    ['public, with a secret in the header', { authorization: basic('none:x') }, 'client_authentication_by_another_method'],
    ['confidential, without a secret (T17)', { clientId: 'client_secret_basic' }, 'client_authentication_by_another_method'],
    [
      'confidential, by the other method (T17, R88)',
      { clientId: 'client_secret_basic', clientSecret: 'basic-secret' },
      'client_authentication_by_another_method',
    ],
    [
      'confidential, by the other method',
      { authorization: basic('client_secret_post:post-secret') },
      'client_authentication_by_another_method',
    ],
    ['confidential, with a wrong secret', { authorization: basic('client_secret_basic:wrong') }, 'client_secret_wrong'],
    ['confidential, with an empty secret', { authorization: basic('client_secret_basic:') }, 'client_secret_wrong'],
    [
      'confidential, with the hash of its secret',
      { clientId: 'client_secret_post', clientSecret: hashSecret('post-secret') },
      'client_secret_wrong',
    ],
    ['with an assertion that is no good (T75)', { assertion: `${assertion}x`, assertionType }, 'client_assertion_replayed'],
    ['without the assertion it registered for (T17)', { clientId: 'private_key_jwt' }, 'client_authentication_by_another_method'],
    ['with a secret in its place', { clientId: 'private_key_jwt', clientSecret: '' }, 'client_authentication_by_another_method'],
    ['not to be read', { authorization: 'Basic ?' }, 'client_authentication_malformed'],
  ])('or refused in the one way there is: %s (T17, R86)', async (_, sent, reason) => {
    const error: unknown = await authenticate(sent).catch((cause: unknown) => cause)
    if (!(error instanceof OAuthError)) return expect.unreachable()
    expect({ ...error.toResponseObject(), status: error.status, reason: error.reason }).toEqual({
      error: 'invalid_client',
      error_description: 'The client is unknown or did not authenticate as it registered.',
      status: 401,
      reason,
    })
  })

  it('or cannot be asked about: that is trouble, and never unknown (I6)', async () => {
    const trouble = new StoreUnavailable('no answer')
    const failing = authenticateClient({ findClient: () => Promise.reject(trouble), proveByAssertion })({
      authorization: undefined,
      clientId: 'c',
      clientSecret: undefined,
    })
    await expect(failing).rejects.toBe(trouble)
  })

  it('without a secret of record is never let in by an empty one', async () => {
    const broken = client('client_secret_post')
    const entering = authenticateClient({ findClient: async () => broken, proveByAssertion })({
      authorization: undefined,
      clientId: broken.id,
      clientSecret: '',
    })
    await expect(entering).rejects.toThrow(OAuthError)
  })
})
