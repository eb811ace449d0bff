import { parse, serialize } from 'hono/utils/cookie'
import type { Seconds } from '../protocol/time.ts'

/** A cookie of ours: `HttpOnly; Path=/; SameSite=Lax`, and on https `__Host-` and `Secure`, so that no sibling domain can set it. */
export interface CookieJar {
  /** The value; undefined when there is none, or two that differ, which nobody sends by accident (threat T4). */
  read(request: Request): string | undefined
  /** The `Set-Cookie` value. */
  write(value: string, maxAge: Seconds): string
}

/** Opens the cookie `name`. */
export function cookieJar(name: string, secure: boolean): CookieJar {
  const fullName = secure ? `__Host-${name}` : name
  return {
    read(request) {
      const sent = (request.headers.get('cookie') ?? '').split(';').flatMap((pair) => Object.entries(parse(pair, fullName)))
      const values = new Set(sent.map(([, value]) => value))
      return values.size === 1 ? [...values][0] : undefined
    },
    write: (value, maxAge) => serialize(fullName, value, { httpOnly: true, path: '/', sameSite: 'Lax', secure, maxAge }),
  }
}
