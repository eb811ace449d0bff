import type { Attributes } from '@opentelemetry/api'
import type { RecordedEvent } from '../ports/events.ts'
import type { Operation } from '../ports/telemetry.ts'

/** Methods that have a name of their own in metrics; callers may send any. */
const methods: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']

/** What an operation is, in few values: for metrics, and for its span. */
export function operationAttributes(operation: Operation): Attributes {
  if (operation.is === 'store') return { 'drawbridge.store.method': operation.method, 'drawbridge.record.kind': operation.kind }
  if (operation.is === 'upstream') {
    const { operation: name, provider } = operation
    return { 'drawbridge.upstream.operation': name, ...(provider !== undefined && { 'drawbridge.provider': provider }) }
  }
  const { method } = operation.request
  return { 'http.request.method': methods.includes(method) ? method : '_OTHER', 'http.route': operation.route }
}

/** What the span of a request has beside. The address is that of the options: `Host` is whatever a caller sends. */
export function requestAttributes(operation: Operation, issuer: string): Attributes {
  if (!('request' in operation)) return {}
  const { protocol, hostname, port } = new URL(issuer)
  return {
    'url.scheme': protocol.slice(0, -1),
    'url.path': operation.route,
    'server.address': hostname,
    ...(port !== '' && { 'server.port': Number(port) }),
    'drawbridge.request.id': operation.requestId,
  }
}

/** What came of it, where it is an answer; one of 500 and above is an error, and a refusal is not. */
export function resultAttributes(result: unknown): Attributes {
  if (!(result instanceof Response)) return {}
  const { status } = result
  return { 'http.response.status_code': status, ...(status >= 500 && { 'error.type': String(status) }) }
}

/** The members of events that have few values. No client, no grant and no person is among them: a metric would have as many series as there are. */
const bounded: readonly (readonly [member: string, attribute: string])[] = [
  ['endpoint', 'drawbridge.endpoint'],
  ['operation', 'drawbridge.upstream.operation'],
  ['kind', 'drawbridge.record.kind'],
  ['error', 'drawbridge.error'],
  ['reason', 'drawbridge.reason'],
  ['errorName', 'error.type'],
  ['because', 'drawbridge.because'],
  ['provider', 'drawbridge.provider'],
]

/** What an event says in few values. */
export function eventAttributes(event: RecordedEvent, nameError: NameError): Attributes {
  return Object.fromEntries(
    bounded.flatMap(([member, attribute]) => {
      const value: unknown = Reflect.get(event, member)
      return typeof value === 'string' ? [[attribute, nameError(value)]] : []
    }),
  )
}

/** What went wrong, in a word of few: a reason, or the class of an error. */
export type NameError = (cause: unknown) => string

/** An upstream and a hook choose some of the words, so there are at most this many; all others are `other`. */
const mostWords = 500

/** Makes a {@link NameError} that remembers its words. */
export function errorTypes(): NameError {
  const words = new Set<string>()
  return (cause) => {
    const word = typeof cause === 'string' ? cause : wordOf(cause)
    if (!/^[\w.-]{1,64}$/.test(word) || (words.size >= mostWords && !words.has(word))) return 'other'
    words.add(word)
    return word
  }
}

function wordOf(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause
  return 'reason' in cause && typeof cause.reason === 'string' ? cause.reason : cause.name
}
