import type { UpstreamClientCredentials } from '@drawbridge/core'

/** The header by which we are known at an endpoint that takes `client_secret_basic`, for a call that core does not make itself (RFC 6749 §2.3.1). */
export function basicAuthorization({ clientId, clientSecret = '' }: UpstreamClientCredentials): string {
  const [id, secret] = [clientId, clientSecret].map((value) => new URLSearchParams({ value }).toString().slice('value='.length))
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
}
