import { type Handler, openEndpoint } from '../http/endpoint.ts'
import type { Emit } from '../ports/events.ts'

/**
 * Discovery: documents that everyone may read, from any origin. They are made from the options alone, never from the
 * `Host` of a request, and they answer while the store is down.
 */
export function documentEndpoint(document: object, emit: Emit): Handler {
  const body = JSON.stringify(document)
  // Five minutes: a change of options is seen soon, and a client that starts does not ask twice.
  const headers = { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' }
  return openEndpoint({ name: 'discovery', kind: 'document', emit, get: () => new Response(body, { headers }) })
}
