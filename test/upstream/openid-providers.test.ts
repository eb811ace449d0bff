import { OAuthProxy, type Upstream } from '@drawbridge/core'
import { entra } from '@drawbridge/providers/entra'
import { google } from '@drawbridge/providers/google'
import { describe, expect, it, onTestFinished } from 'vitest'
import { callback, openAt } from './openid-house.ts'
import { startOpenIdServer } from './openid-server.ts'

// Every provider that stands on OidcProvider, against oidc-provider under that upstream's own name, in a process of its own, over HTTP.

const directory = '9122040d-6c67-4c5b-b112-36a304b66dad'
const account = '690222be-ff1a-4d56-abd1-7e4f7d38e474'

const providers: readonly {
  readonly name: string
  readonly upstream: Upstream
  /** What this upstream says of people beside. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly subject?: string
}[] = [
  { name: 'google', upstream: google({ hostedDomain: 'example.com' }), claims: { hd: 'example.com' } },
  {
    name: 'entra',
    upstream: entra({ tenantId: directory }),
    claims: { tid: directory, oid: account },
    subject: `${directory}.${account}`,
  },
]

describe.each(providers)('$name', ({ upstream, claims = {}, subject = 'alice' }) => {
  it('logs in, refreshes, takes a new key, and ends its tokens', async () => {
    const { openId } = upstream
    if (!openId) throw new TypeError('this upstream is no OpenID provider')
    const asked = [...upstream.defaultScopes, ...(upstream.scopes?.always ?? [])]
    const server = await startOpenIdServer({
      issuer: openId.issuer,
      redirectUris: [callback],
      claims,
      scopes: asked,
      clientAuthentication: upstream.clientAuthentication === 'client_secret_post' ? 'client_secret_post' : 'client_secret_basic',
    })
    onTestFinished(() => server.kill())
    // What oidc-provider needs to give a refresh token; those of the upstream may want another word for it.
    const wanting: Upstream = {
      ...upstream,
      scopes: { ...upstream.scopes, always: [...(upstream.scopes?.always ?? []), 'offline_access'] },
    }
    const options = { upstream: { authorizeParameters: { prompt: 'consent' } } }
    const ours = openAt(server, options, (_, all, environment) => new OAuthProxy(all, wanting, environment))

    const { accessToken } = await ours.login('alice')
    const info = await ours.auth.verifyAccessToken(accessToken)
    expect(info.extra.subject).toBe(subject)
    expect(info.scopes).toEqual(upstream.defaultScopes)

    const [first, second] = [await ours.auth.upstream(info), await ours.auth.upstream(info)]
    expect(first.accessToken).not.toBe(second.accessToken)

    await server.rotate(true)
    ours.advance(31)
    await ours.login('alice')

    await ours.auth.revoke({ grantId: info.extra.grantId ?? '' })
    await ours.auth.close()
    expect(ours.events.filter(({ type }) => type === 'upstream.failed')).toEqual([])
  })
})
