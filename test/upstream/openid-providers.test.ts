import { OAuthProxy, type Upstream } from '@drawbridge/core'
import { auth0 } from '@drawbridge/providers/auth0'
import { authentik } from '@drawbridge/providers/authentik'
import { clerk } from '@drawbridge/providers/clerk'
import { cognito } from '@drawbridge/providers/cognito'
import { entra } from '@drawbridge/providers/entra'
import { gitlab } from '@drawbridge/providers/gitlab'
import { google } from '@drawbridge/providers/google'
import { huggingFace } from '@drawbridge/providers/huggingface'
import { keycloak } from '@drawbridge/providers/keycloak'
import { logto } from '@drawbridge/providers/logto'
import { oci } from '@drawbridge/providers/oci'
import { okta } from '@drawbridge/providers/okta'
import { pingOne } from '@drawbridge/providers/pingone'
import { workos } from '@drawbridge/providers/workos'
import { zitadel } from '@drawbridge/providers/zitadel'
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
  { name: 'auth0', upstream: auth0({ domain: 'https://my-domain.eu.auth0.com' }) },
  { name: 'okta', upstream: okta({ domain: 'https://my-org.okta.com', authorizationServer: 'default' }) },
  { name: 'keycloak', upstream: keycloak({ realmUrl: 'https://keycloak.example.com/realms/my-realm' }) },
  { name: 'cognito', upstream: cognito({ userPoolId: 'eu-central-1_Abc123xyz' }) },
  {
    name: 'oci',
    upstream: oci({ domainUrl: 'https://idcs-0123.identity.oraclecloud.com' }),
    claims: { user_id: '1f0a0c5e7b6d4a0f8a51' },
    subject: '1f0a0c5e7b6d4a0f8a51',
  },
  { name: 'workos', upstream: workos({ domain: 'https://your-app.authkit.app' }) },
  { name: 'clerk', upstream: clerk({ domain: 'https://clerk.example.com' }) },
  { name: 'huggingface', upstream: huggingFace() },
  { name: 'gitlab', upstream: gitlab() },
  { name: 'authentik', upstream: authentik({ serverUrl: 'https://authentik.example.com', application: 'mcp' }) },
  { name: 'zitadel', upstream: zitadel({ serverUrl: 'https://my-instance.zitadel.cloud' }) },
  { name: 'pingone', upstream: pingOne({ environmentId: 'ef4a5b6c-7d8e-4f90-a1b2-c3d4e5f60718', region: 'EU' }) },
  { name: 'logto', upstream: logto({ serverUrl: 'https://my-tenant.logto.app' }) },
]

describe.each(providers)('$name', ({ upstream, claims = {}, subject = 'alice' }) => {
  it('logs in, refreshes, takes a new key, and ends its tokens', async () => {
    if (!upstream.openId) throw new TypeError('this upstream is no OpenID provider')
    // Where tokens are ended is what oidc-provider's document says.
    const { revocation: _, ...described } = upstream
    const { openId } = upstream
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
      ...described,
      scopes: { ...upstream.scopes, always: [...(upstream.scopes?.always ?? []), 'offline_access'] },
    }
    const options = { upstream: { authorizeParameters: { prompt: 'consent' } } }
    const ours = openAt(
      { ...server, discoveryUrl: openId.discoveryUrl ?? openId.issuer },
      options,
      (_, all, environment) => new OAuthProxy(all, wanting, environment),
    )

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
