import { describeRemoteProvider } from '@drawbridge/core/testing'
import { SupabaseProvider } from '@drawbridge/providers/supabase'
import { expect, it } from 'vitest'

const issuer = 'https://project-ref.supabase.co/auth/v1'

// The token of https://supabase.com/docs/guides/auth/oauth-server/token-security
const claims = {
  sub: '123e4567-e89b-12d3-a456-426614174000',
  role: 'authenticated',
  aud: 'authenticated',
  user_id: '123e4567-e89b-12d3-a456-426614174000',
  email: 'user@example.com',
  client_id: '9a8b7c6d-5e4f-3a2b-1c0d-9e8f7a6b5c4d',
  aal: 'aal1',
  amr: [{ method: 'password', timestamp: 1735815600 }],
  session_id: '5c1f8a0e-0000-4000-8000-000000000000',
  iss: issuer,
}
const { client_id: _, ...ofItsOwnPages } = claims

describeRemoteProvider({
  name: 'SupabaseProvider',
  create: (options, environment) => new SupabaseProvider({ projectUrl: 'https://project-ref.supabase.co', ...options }, environment),
  authorizationServers: ['https://project-ref.supabase.co/auth/v1'],
  token: { header: { typ: 'JWT' }, claims },
  who: { subject: '123e4567-e89b-12d3-a456-426614174000', clientId: '9a8b7c6d-5e4f-3a2b-1c0d-9e8f7a6b5c4d', scopes: [] },
  foreign: [
    { name: 'a session of the project’s own pages', claims: ofItsOwnPages },
    { name: 'an API key of the project', claims: { iss: issuer, role: 'anon', aud: 'authenticated', sub: 'anon', client_id: 'x' } },
    { name: 'an ID token', claims: { iss: issuer, sub: claims.sub, aud: '9a8b7c6d-5e4f-3a2b-1c0d-9e8f7a6b5c4d', nonce: 'n' } },
    { name: 'of another project', claims: { ...claims, iss: 'https://other-ref.supabase.co/auth/v1' } },
  ],
  by: { jwksUri: 'https://project-ref.supabase.co/auth/v1/.well-known/jwks.json', algorithm: 'ES256' },
  metadata: {
    url: 'https://project-ref.supabase.co/.well-known/oauth-authorization-server/auth/v1',
    document: { issuer, registration_endpoint: `${issuer}/oauth/clients/register` },
  },
})

it('SupabaseProvider, hosted elsewhere, is where it was put', async () => {
  const options = { baseUrl: 'https://mcp.example.com', projectUrl: 'http://localhost:54321', authRoute: 'auth' }
  const answer = await new SupabaseProvider(options).fetch(new Request('https://mcp.example.com/.well-known/oauth-protected-resource/mcp'))
  expect(await answer?.json()).toMatchObject({ authorization_servers: ['http://localhost:54321/auth'] })
})
