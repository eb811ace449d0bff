import { ConfigurationError, type RemoteAuthOptions } from '@drawbridge/core'

/** An authorization server as data: what a `RemoteAuthProvider` names, and what verifies its tokens. `MultiAuth` takes the verifier alone. */
export type RemoteIssuer = Pick<RemoteAuthOptions, 'authorizationServers' | 'verifier'>

/**
 * The URL of a server in an option, without a slash at its end; `auth.example.com` is taken for https. Throws `ConfigurationError` with the right form for anything
 * else: what is put together from it would be nobody's issuer.
 */
export function serverOf(name: string, value: string | undefined, form: string): string {
  const text = typeof value === 'string' ? value.trim().replace(/\/+$/, '') : ''
  const url = /^[a-z]+:\/\//i.test(text) ? text : `https://${text}`
  const { protocol, hostname, href } = URL.canParse(url) ? new URL(url) : { protocol: '', hostname: '', href: '' }
  const isSecure = protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
  if (text === '' || !isSecure || href.replace(/\/$/, '') !== url || /[?#@]/.test(url))
    throw new ConfigurationError([`${name} ${JSON.stringify(value)} is not like ${form}`])
  return url
}

/** An id in an option that becomes part of a URL. Throws `ConfigurationError` with the right form for what could lead elsewhere. */
export function idOf(name: string, value: string | undefined, form: string): string {
  if (typeof value === 'string' && /^[A-Za-z0-9_-]+$/.test(value)) return value
  throw new ConfigurationError([`${name} ${JSON.stringify(value)} is not like ${form}`])
}
