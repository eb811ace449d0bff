import { expect } from 'vitest'
import type { AuthInfo, RemoteServerOptions } from '../index.ts'
import type { RemoteProviderDescription } from './describe-remote-description.ts'
import type { RemoteAnswer, RemoteTrial } from './describe-remote-trial.ts'

/** Opens a trial of the described provider. */
export type OpenRemote = (options?: Partial<RemoteServerOptions>) => RemoteTrial

/** A rule that every provider on `RemoteAuthProvider` keeps. It rejects when the rule does not hold. */
export interface RemoteRule {
  readonly rule: string
  holds(open: OpenRemote): Promise<void>
}

/** A challenge names it, and it answers. */
const metadataUrl = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'

/** What holds however tokens are verified. */
export function documentRules({ authorizationServers, metadata }: RemoteProviderDescription): RemoteRule[] {
  return [
    {
      rule: 'says where to log in, and challenges who does not',
      async holds(open) {
        const { auth, authenticate, fetched } = open({ requiredScopes: ['a-scope'] })
        const refused = await authenticate()
        expect(headersOf(refused)).toEqual([401, `Bearer scope="a-scope", resource_metadata="${metadataUrl}"`])
        const document = await auth.fetch(new Request(metadataUrl))
        expect(await document?.json()).toEqual({
          resource: 'https://mcp.example.com/mcp',
          authorization_servers: authorizationServers,
          scopes_supported: ['a-scope'],
          bearer_methods_supported: ['header'],
          resource_name: 'mcp.example.com',
        })
        expect([auth.getRoutes(), fetched]).toEqual([[], []])
      },
    },
    {
      rule: 'forwards the metadata of its issuer when asked to, and not otherwise',
      async holds(open) {
        const url = new Request('https://mcp.example.com/.well-known/oauth-authorization-server')
        expect(await open().auth.fetch(url)).toBeUndefined()
        const { auth, answers } = open({ forwardMetadata: true })
        expect((await auth.fetch(url))?.status).toBe(503)
        const asked = open({ forwardMetadata: true })
        answers[metadata.url] = () => Response.json(metadata.document)
        asked.answers[metadata.url] = () => Response.json(metadata.document)
        expect(await (await asked.auth.fetch(url))?.json()).toEqual(metadata.document)
      },
    },
  ]
}

/** Requires that who calls is whom the description names. */
export async function expectPassed({ authenticate }: RemoteTrial, token: string, { who }: RemoteProviderDescription): Promise<void> {
  const info = await authenticate(token)
  expect(info instanceof Response ? { status: info.status } : describeCaller(info)).toEqual(who)
}

/** Requires 401 `invalid_token`, and that the operator is told why. */
export async function expectRefused({ authenticate, events }: RemoteTrial, token: string): Promise<void> {
  const answer = await authenticate(token)
  expect(headersOf(answer)[0]).toBe(401)
  expect(headersOf(answer)[1]).toMatch(/^Bearer error="invalid_token", .*resource_metadata="/)
  expect(events.at(-1)).toMatchObject({ type: 'token.refused', reason: expect.stringMatching(/^token_/) })
  expect(JSON.stringify(events)).not.toContain(token)
}

/** Requires 503, with which no client throws its token away (invariant I6). */
export async function expectTrouble({ authenticate, events }: RemoteTrial, token: string): Promise<void> {
  const answer = await authenticate(token)
  expect(headersOf(answer)).toEqual([503, null])
  expect(answer instanceof Response && answer.headers.get('retry-after')).toMatch(/^\d+$/)
  expect(events.at(-1)).toMatchObject({ type: 'upstream.failed', operation: 'gate' })
  expect(JSON.stringify(events)).not.toContain(token)
}

/** Requires 403 with the scope that is missing. */
export async function expectInsufficient({ authenticate }: RemoteTrial, token: string, scope: string): Promise<void> {
  expect(headersOf(await authenticate(token))).toEqual([403, expect.stringContaining(`error="insufficient_scope", scope="${scope}"`)])
}

/** The ways in which an issuer cannot be asked. */
export const troubles: readonly { readonly name: string; readonly answer: (trial: RemoteTrial) => RemoteAnswer }[] = [
  { name: 'status 500', answer: () => () => new Response('broken', { status: 500 }) },
  { name: 'a page', answer: () => () => new Response('<!doctype html>') },
  { name: 'a redirect', answer: () => () => Response.redirect('https://elsewhere.example/', 302) },
  { name: 'a megabyte', answer: () => () => new Response('{'.padEnd(1024 * 1024)) },
  {
    name: 'a broken connection',
    answer: () => () => {
      throw new TypeError('fetch failed')
    },
  },
  {
    name: 'nothing',
    answer:
      ({ environment }) =>
      () => {
        environment.advance(10)
        return new Promise(() => {})
      },
  },
]

function describeCaller({ clientId, scopes, extra: { subject } }: AuthInfo): RemoteProviderDescription['who'] {
  return { subject, clientId, scopes }
}

function headersOf(answer: AuthInfo | Response): [number, string | null] {
  return answer instanceof Response ? [answer.status, answer.headers.get('www-authenticate')] : [200, null]
}
