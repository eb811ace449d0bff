//#region fetch
import { auth } from './auth.ts'
import { mcp } from './mcp.ts'

export default {
  async fetch(request: Request): Promise<Response> {
    const ours = await auth.fetch(request)
    if (ours) return ours
    if (new URL(request.url).pathname !== '/mcp') return new Response('Not found', { status: 404 })
    const who = await auth.authenticate(request)
    return who instanceof Response ? who : mcp.fetch(request, { authInfo: who })
  },
}
//#endregion
