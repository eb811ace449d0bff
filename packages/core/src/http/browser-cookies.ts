import { createHash, createHmac } from 'node:crypto'
import { type CookieJar, cookieJar } from './cookie.ts'

/** The two cookies by which a browser is known again, named by a hash of the issuer. */
export interface BrowserCookies {
  /** Set with the consent page, and grants nothing. */
  readonly form: CookieJar
  /** Set when the person approves; checked before anything else on every callback (invariant I1). */
  readonly login: CookieJar
}

/** Opens the cookies of an issuer. */
export function browserCookies(issuer: string, secure: boolean): BrowserCookies {
  const suffix = createHash('sha256').update(issuer).digest('hex').slice(0, 10)
  return { form: cookieJar(`drawbridge-form-${suffix}`, secure), login: cookieJar(`drawbridge-login-${suffix}`, secure) }
}

/** Whether `value` is one we gave out: 256 bits, base64url. */
export function isBrowserSecret(value: string | undefined): value is string {
  return value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value)
}

/**
 * The login cookie's value for a browser, made from its form cookie by a key of ours: whoever approves twice at once sets the
 * same cookie twice, and no number of logins makes it grow (threats T8 and T9).
 */
export function loginSecretOf(formSecret: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(formSecret).digest('base64url')
}
