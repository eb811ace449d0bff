import { Auth0RemoteProvider } from '@drawbridge/providers/auth0-remote'
import { AuthKitProvider } from '@drawbridge/providers/authkit'
import { DescopeProvider } from '@drawbridge/providers/descope'
import { KeycloakRemoteProvider } from '@drawbridge/providers/keycloak-remote'
import { PropelAuthProvider } from '@drawbridge/providers/propelauth'
import { ScalekitProvider } from '@drawbridge/providers/scalekit'
import { SupabaseProvider } from '@drawbridge/providers/supabase'

const { PROPELAUTH_CLIENT_ID = 'an-id', PROPELAUTH_CLIENT_SECRET = 'a-secret' } = process.env

//#region authkit
export const withAuthKit = new AuthKitProvider({
  baseUrl: 'https://mcp.example.com',
  authkitDomain: 'https://your-app.authkit.app',
})
//#endregion
//#region auth0
export const withAuth0 = new Auth0RemoteProvider({
  baseUrl: 'https://mcp.example.com',
  domain: 'https://my-domain.eu.auth0.com',
  requiredScopes: ['notes:read'],
})
//#endregion
//#region keycloak
export const withKeycloak = new KeycloakRemoteProvider({
  baseUrl: 'https://mcp.example.com',
  realmUrl: 'https://keycloak.example.com/realms/my-realm',
  requiredScopes: ['mcp:tools'],
})
//#endregion
//#region supabase
export const withSupabase = new SupabaseProvider({
  baseUrl: 'https://mcp.example.com',
  projectUrl: 'https://your-ref.supabase.co',
})
//#endregion
//#region scalekit
export const withScalekit = new ScalekitProvider({
  baseUrl: 'https://mcp.example.com',
  environmentUrl: 'https://your-env.scalekit.com',
  resourceId: 'res_926',
})
//#endregion
//#region descope
export const withDescope = new DescopeProvider({
  baseUrl: 'https://mcp.example.com',
  discoveryUrl: 'https://api.descope.com/v1/apps/agentic/P32juV/MS35d1/.well-known/openid-configuration',
})
//#endregion
//#region propelauth
export const withPropelAuth = new PropelAuthProvider({
  baseUrl: 'https://mcp.example.com',
  authUrl: 'https://auth.example.com',
  introspectionClientId: PROPELAUTH_CLIENT_ID,
  introspectionClientSecret: PROPELAUTH_CLIENT_SECRET,
  requiredScopes: ['read:user_data'],
})
//#endregion
