import type { Emit } from '../ports/events.ts'
import { isLoopbackHost } from '../protocol/public-url.ts'

/** The answer to a request that was sent to a name which is not ours; undefined for all others. */
export type RefuseForeignHost = (request: Request) => Response | undefined

/**
 * A server on loopback is reached by a name of loopback and by no other (threat T84): a page elsewhere that has its own name
 * resolve to this machine would read our answers as its own. The port may be any, for ports are forwarded. A public server is
 * not asked: what a proxy makes of `Host` is the proxy's affair, and nothing of ours comes from there.
 */
export function refuseForeignHost(baseUrl: string, emit: Emit): RefuseForeignHost {
  if (!isLoopbackHost(new URL(baseUrl).hostname)) return () => undefined
  return (request) => {
    const sentTo = `http://${request.headers.get('host') ?? new URL(request.url).host}`
    if (URL.canParse(sentTo) && isLoopbackHost(new URL(sentTo).hostname)) return undefined
    emit({ type: 'request.refused', endpoint: 'front', error: 'invalid_request', reason: 'host_foreign' })
    const body = { error: 'invalid_request', error_description: 'This server does not answer to that name.' }
    return Response.json(body, { status: 421, headers: { 'cache-control': 'no-store' } })
  }
}
