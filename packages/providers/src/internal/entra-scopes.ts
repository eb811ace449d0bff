import type { UpstreamScopes } from '@drawbridge/core'

/** How the scopes of a registration are written. */
export interface EntraScopes {
  readonly identifierUri?: string
  readonly additionalAuthorizeScopes?: readonly string[]
}

/** They belong to no API, and answers leave them out (https://learn.microsoft.com/en-us/entra/identity-platform/scopes-oidc). */
const openIdScopes: readonly string[] = ['openid', 'profile', 'email', 'offline_access']

/**
 * A scope of an API is its URI, `/` and a name. Many APIs may be asked for at once where people sign in, and one only in a token request, which has to name
 * its scopes (AADSTS28000, AADSTS28003). `profile` brings the `oid`, by which we know people.
 * @see https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow#redeem-a-code-for-an-access-token
 */
export function entraScopes({ identifierUri, additionalAuthorizeScopes = [] }: EntraScopes, graph: string): UpstreamScopes {
  const api = `${(identifierUri ?? graph).replace(/\/$/, '')}/`
  const isShort = (scope: string): boolean => !scope.includes('/') && !openIdScopes.includes(scope)
  return {
    toUpstream: (scope) => (identifierUri !== undefined && isShort(scope) ? `${api}${scope}` : scope),
    fromUpstream: (scope) => (scope.startsWith(api) ? scope.slice(api.length) : scope),
    always: ['profile', 'offline_access', ...additionalAuthorizeScopes],
    unnamed: ['openid', 'profile', 'email'],
    // What is still short is a scope of Microsoft Graph.
    inTokenRequests: (scope) => openIdScopes.includes(scope) || isShort(scope) || scope.startsWith(api),
  }
}
