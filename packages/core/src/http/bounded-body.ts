import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { invalidRequest, OAuthError } from '../protocol/errors.ts'

/** A registration with ten redirect URIs of 2 kB does not fit, any real one fits many times (threat T34). */
const bodyLimitBytes = 16 * 1024

/** Lets no more of a body in than any request needs. Throws `invalid_request` for one that is longer, or that breaks off. */
export function boundedBody(): MiddlewareHandler {
  const limit = bodyLimit({
    maxSize: bodyLimitBytes,
    onError() {
      throw invalidRequest('The body is too long.', 'body_too_long')
    },
  })
  return async (context, next) => {
    context.req.raw = readable(context.req.raw)
    try {
      return await limit(context, next)
    } catch (cause) {
      // What the handlers behind throw is answered before it comes here; the rest is the connection's.
      throw cause instanceof OAuthError ? cause : invalidRequest('The body broke off.', 'body_broken', cause)
    }
  }
}

// What says no length is read piece by piece and made into a request again, which the request of a Node server does not allow.
function readable(request: Request): Request {
  const { method, url, headers, body } = request
  if (body === null || (headers.has('content-length') && !headers.has('transfer-encoding'))) return request
  const streamed = { method, headers, body, duplex: 'half' }
  return new Request(url, streamed)
}
