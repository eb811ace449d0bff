import type { UpstreamCall } from '../index.ts'

/** What `identify` is given, for a test of a provider's own: `parts`, and for everything else a refusal to be called. */
export function upstreamCall(parts: Partial<UpstreamCall>): UpstreamCall {
  const refuse = (): Promise<never> => Promise.reject(new Error('This test did not expect that call.'))
  return {
    accessToken: 'upstream-access-token',
    client: { clientId: 'upstream-client', clientSecret: 's3cret /+&%' },
    endpoints: { authorizationEndpoint: 'https://upstream.example/authorize', tokenEndpoint: 'https://upstream.example/token' },
    getJson: refuse,
    postJson: refuse,
    ask: refuse,
    ...parts,
  }
}
