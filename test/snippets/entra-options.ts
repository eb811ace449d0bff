import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { AuthInfo, OAuthProxyOptions } from '@drawbridge/core'
import { EntraProvider } from '@drawbridge/providers/entra'
import { OidcProvider } from '@drawbridge/providers/oidc'

/** What every snippet below has in common. */
type Shared = Pick<OAuthProxyOptions, 'baseUrl' | 'clientId' | 'jwtSigningKey' | 'clientStorage'> & { readonly tenantId: string }

export function withCertificate(shared: Shared, privateKey: string, certificate: string): EntraProvider {
  //#region certificate
  // The registration has the certificate (Certificates & secrets, Certificates); the key is ours alone.
  const key = { ...createPrivateKey(privateKey).export({ format: 'jwk' }), alg: 'PS256' }
  const auth = new EntraProvider({ ...shared, upstream: { clientAssertion: { key, certificate } } })
  //#endregion
  return auth
}

export function withFederatedCredential(shared: Shared): EntraProvider {
  //#region federated
  // What the platform says of this workload, here in Kubernetes. The file changes, so it is read each time.
  const clientAssertion = () => readFile(process.env.AZURE_FEDERATED_TOKEN_FILE ?? '', 'utf8')
  const auth = new EntraProvider({ ...shared, upstream: { clientAssertion } })
  //#endregion
  return auth
}

export function withApi(shared: Shared & { readonly clientSecret: string }) {
  //#region on-behalf-of
  const auth = new EntraProvider({
    ...shared,
    identifierUri: 'api://11111111-2222-3333-4444-555555555555',
    requiredScopes: ['read'],
    additionalAuthorizeScopes: ['https://graph.microsoft.com/Mail.Read'],
  })

  // In a tool:
  async function readMail(authInfo: AuthInfo): Promise<Response> {
    const graph = await auth.onBehalfOf(authInfo, ['https://graph.microsoft.com/Mail.Read'])
    return graph.fetch('https://graph.microsoft.com/v1.0/me/messages')
  }
  //#endregion
  return { auth, readMail }
}

export function withGroups(shared: Shared & { readonly clientSecret: string }, administrators: string, readers: string): EntraProvider {
  //#region groups
  const auth = new EntraProvider({
    ...shared,
    groups: [administrators, readers],
    upstream: {
      authorizeUser({ claims: { groups } }) {
        if (!Array.isArray(groups)) return false
        return groups.includes(administrators) ? true : groups.includes(readers) && ['read']
      },
    },
  })
  //#endregion
  return auth
}

export function withB2c(options: OAuthProxyOptions): OidcProvider {
  //#region b2c
  const auth = new OidcProvider(options, {
    issuer: 'https://contoso.b2clogin.com/775527ff-9a37-4307-8b3d-cc311f58d925/v2.0/',
    discoveryUrl: 'https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_signin/v2.0/.well-known/openid-configuration',
    clientAuthentication: 'client_secret_post',
    defaultScopes: ['openid'],
    // Its own client id stands for a token for this app, without which there is none.
    scopes: { always: [options.clientId, 'offline_access'], inTokenRequests: true },
  })
  //#endregion
  return auth
}
