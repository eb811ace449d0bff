import type { Environment } from '../ports/environment.ts'

/** Where an answer says which request it is of. There is no standard for it; proxies and browsers' tools know this one. */
export const requestIdHeader = 'x-request-id'

/** Gives a request its id: what an operator finds it by in events and logs. It is no secret, and not made from one. */
export type NameRequest = (request: Request) => string

/** 80 random bits as hexadecimal digits: short enough to be read out, and no two of them are the same. */
const idBytes = 10

/** How many ids are drawn at once: a call of the gate takes microseconds, and one of the system's randomness as well. */
const drawnAtOnce = 100

/**
 * Makes ids, or takes them from `header` where the operator's own proxy writes one there. What is no id, of 8 to 128 characters that mean nothing
 * to logs and pages, is not taken (threat T99).
 */
export function nameRequests(environment: Pick<Environment, 'randomBytes'>, header: string | undefined): NameRequest {
  let drawn = ''
  const next = (): string => {
    if (drawn === '') drawn = Buffer.from(environment.randomBytes(idBytes * drawnAtOnce)).toString('hex')
    const id = drawn.slice(0, idBytes * 2)
    drawn = drawn.slice(idBytes * 2)
    return id
  }
  if (header === undefined) return next
  return (request) => {
    const given = request.headers.get(header) ?? ''
    return /^[\w.:;=@+/-]{8,128}$/.test(given) ? given : next()
  }
}

/** The answer, which now says which request it is of. */
export function withRequestId(answer: Response, id: string): Response {
  answer.headers.set(requestIdHeader, id)
  return answer
}
