import type { Handler } from './http/endpoint.ts'
import { type RefuseForeignHost, refuseForeignHost } from './http/own-host.ts'
import type { Caller } from './http/peer.ts'
import { type NameRequest, nameRequests, withRequestId } from './http/request-ids.ts'
import type { CurrentRequest } from './ports/current-request.ts'
import type { Environment } from './ports/environment.ts'
import type { Emit } from './ports/events.ts'
import type { AuthInfo } from './tokens/verify-access-token.ts'

/** What holds for every request, however a framework gets to us: it is named, and refused where it was sent to another name than ours. */
export interface Front {
  /** A handler behind the front. */
  guard(handler: Handler): Handler
  /** The gate behind the front. Who passes has the id of the request in `extra`. */
  admit(request: Request, authenticate: () => Promise<AuthInfo | Response>): Promise<AuthInfo | Response>
}

/** What the front needs. */
export interface FrontNeeds {
  readonly baseUrl: string
  readonly requestIdHeader: string | undefined
  readonly environment: Environment
  readonly current: CurrentRequest
  readonly emit: Emit
}

/** Opens the front. */
export function openFront({ baseUrl, requestIdHeader, environment, current, emit }: FrontNeeds): Front {
  const nameRequest: NameRequest = nameRequests(environment, requestIdHeader)
  const refuse: RefuseForeignHost = refuseForeignHost(baseUrl, emit)
  return {
    guard: (handler) => (request, peer) => {
      const requestId = nameRequest(request)
      const caller: Caller = { ...peer, requestId }
      return current.run(requestId, async () => withRequestId(refuse(request) ?? (await handler(request, caller)), requestId))
    },
    admit(request, authenticate) {
      const requestId = nameRequest(request)
      return current.run(requestId, async () => {
        const who = refuse(request) ?? (await authenticate())
        return who instanceof Response ? withRequestId(who, requestId) : { ...who, extra: { ...who.extra, requestId } }
      })
    },
  }
}

/** The request that let this caller in: what a tool does belongs to the call it was made for. */
export function requestIdOf(authInfo: { readonly extra?: Readonly<Record<string, unknown>> | undefined } | undefined): string | undefined {
  const id = authInfo?.extra?.requestId
  return typeof id === 'string' ? id : undefined
}
