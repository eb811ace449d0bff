import { type Handler, openEndpoint } from '../http/endpoint.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'

/** What the endpoint needs. */
export interface DocumentEndpointNeeds {
  readonly environment: Environment
  readonly emit: Emit
}

/**
 * Discovery: documents that everyone may read, from any origin. They are made from the options alone, never from the
 * `Host` of a request, and they answer while the store is down.
 */
export function documentEndpoint(document: object, needs: DocumentEndpointNeeds): Handler {
  const body = JSON.stringify(document)
  // Five minutes: a change of options is seen soon, and a client that starts does not ask twice.
  const headers = { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' }
  return openEndpoint({ ...needs, name: 'discovery', kind: 'document', get: () => new Response(body, { headers }) })
}
