import { createHash, createHmac } from 'node:crypto'
import type { Environment } from '../ports/environment.ts'
import { type CookieJar, cookieJar } from './cookie.ts'

/** The cookies by which a browser is known again, named by a hash of the issuer. */
export interface BrowserCookies {
  /** Set with the consent page, and grants nothing. */
  readonly form: CookieJar
  /** Set when the person approves; checked before anything else on every callback (invariant I1). */
  readonly login: CookieJar
  /** Set when a login is remembered; what it stands for is in the records of remembered consents, and it opens nothing else. */
  readonly consent: CookieJar
}

/** Opens the cookies of an issuer. */
export function browserCookies(issuer: string, secure: boolean): BrowserCookies {
  const suffix = createHash('sha256').update(issuer).digest('hex').slice(0, 10)
  const open = (purpose: string): CookieJar => cookieJar(`drawbridge-${purpose}-${suffix}`, secure)
  return { form: open('form'), login: open('login'), consent: open('consent') }
}

/** Whether `value` is one we gave out: 256 bits, base64url. */
export function isBrowserSecret(value: string | undefined): value is string {
  return value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value)
}

/** The secret that a browser brings in a cookie of ours, or a new one for a browser that brings none. */
export function browserSecretIn(cookie: CookieJar, request: Request, environment: Pick<Environment, 'randomBytes'>): string {
  const brought = cookie.read(request)
  return isBrowserSecret(brought) ? brought : Buffer.from(environment.randomBytes(32)).toString('base64url')
}

/**
 * The login cookie's value for a browser, made from its form cookie by a key of ours: whoever approves twice at once sets the
 * same cookie twice, and no number of logins makes it grow (threats T8 and T9).
 */
export function loginSecretOf(formSecret: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(formSecret).digest('base64url')
}
