import type { MiddlewareHandler } from 'hono'

/** The stand-in's endpoints, as they are counted. */
export type Endpoint = 'authorize' | 'signIn' | 'token' | 'user' | 'check' | 'revocation' | 'other'

/** A request as it arrived. */
export interface ReceivedRequest {
  readonly endpoint: Endpoint
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body: string
}

/** Writes down every request. */
export function writeDown(received: ReceivedRequest[]): MiddlewareHandler {
  return async (c, next) => {
    const { method, path } = c.req
    const body = await c.req.text()
    received.push({ endpoint: endpointOf(method, path), method, path, authorization: c.req.header('authorization'), body })
    await next()
  }
}

function endpointOf(method: string, path: string): Endpoint {
  if (path === '/login/oauth/authorize') return method === 'POST' ? 'signIn' : 'authorize'
  if (path === '/login/oauth/access_token') return 'token'
  if (/^(\/api\/v3)?\/user$/.test(path)) return 'user'
  if (/^(\/api\/v3)?\/applications\//.test(path)) return method === 'POST' ? 'check' : 'revocation'
  return 'other'
}
