import type { OAuthProxy } from '@drawbridge/core'
import type { MiddlewareHandler } from 'hono'

/** A second gate, for the tool `upstream_user`: it needs `repo` beside `user`, whatever the endpoint asks for. */
export function gateOfOneTool(auth: OAuthProxy): MiddlewareHandler {
  return async (context, next) => {
    const request = context.req.raw
    const isCall = request.method === 'POST' && (await request.clone().text()).includes('"upstream_user"')
    const who = isCall ? await auth.authenticate(request, { scopes: ['user', 'repo'] }) : undefined
    return who instanceof Response ? who : next()
  }
}
