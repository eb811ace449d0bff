import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'

/** What programs are answered with: any origin may call, and read what a client needs. */
export function apiHeaders(methods: readonly string[]): MiddlewareHandler {
  return cors({
    origin: '*',
    allowMethods: [...methods],
    exposeHeaders: ['WWW-Authenticate', 'Retry-After', 'DPoP-Nonce', 'X-Request-Id'],
    maxAge: 600,
  })
}
