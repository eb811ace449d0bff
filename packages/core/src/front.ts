import type { Handler } from './http/endpoint.ts'
import { type RefuseForeignHost, refuseForeignHost } from './http/own-host.ts'
import type { Caller } from './http/peer.ts'
import { type NameRequest, nameRequests, withRequestId } from './http/request-ids.ts'
import type { CurrentRequest } from './ports/current-request.ts'
import type { Environment } from './ports/environment.ts'
import type { Emit } from './ports/events.ts'
import type { Telemetry } from './ports/telemetry.ts'
import type { AuthInfo } from './tokens/verify-access-token.ts'

/** What holds for every request, however a framework gets to us: it is named, and refused where it was sent to another name than ours. */
export interface Front {
  /** A handler behind the front; `route` is its path from the origin's root. */
  guard(handler: Handler, route: string): Handler
  /** The gate behind the front. Who passes has the id of the request in `extra`. */
  admit(request: Request, route: string, authenticate: () => Promise<AuthInfo | Response>): Promise<AuthInfo | Response>
}

/** What the front needs. */
export interface FrontNeeds {
  readonly baseUrl: string
  readonly requestIdHeader: string | undefined
  readonly environment: Environment
  readonly current: CurrentRequest
  readonly emit: Emit
  readonly telemetry: Telemetry | undefined
}

/** Opens the front. */
export function openFront({ baseUrl, requestIdHeader, environment, current, emit, telemetry }: FrontNeeds): Front {
  const nameRequest: NameRequest = nameRequests(environment, requestIdHeader)
  const refuse: RefuseForeignHost = refuseForeignHost(baseUrl, emit)
  const during = <Result>(
    is: 'request' | 'gate',
    route: string,
    request: Request,
    work: (id: string) => Promise<Result>,
  ): Promise<Result> => {
    const requestId = nameRequest(request)
    return current.run(requestId, () =>
      telemetry ? telemetry.during({ is, route, requestId, request }, () => work(requestId)) : work(requestId),
    )
  }
  return {
    guard: (handler, route) => (request, peer) =>
      during('request', route, request, async (requestId) => {
        const caller: Caller = { ...peer, requestId }
        return withRequestId(refuse(request) ?? (await handler(request, caller)), requestId)
      }),
    admit: (request, route, authenticate) =>
      during('gate', route, request, async (requestId) => {
        const who = refuse(request) ?? (await authenticate())
        return who instanceof Response ? withRequestId(who, requestId) : { ...who, extra: { ...who.extra, requestId } }
      }),
  }
}

/** The request that let this caller in: what a tool does belongs to the call it was made for. */
export function requestIdOf(authInfo: { readonly extra?: Readonly<Record<string, unknown>> | undefined } | undefined): string | undefined {
  const id = authInfo?.extra?.requestId
  return typeof id === 'string' ? id : undefined
}
