import { expect } from 'vitest'

/** An answer with a JSON body, whole, for comparing with a literal. */
export interface JsonAnswer {
  readonly status: number
  readonly body: unknown
}

/** Reads an answer; its body is undefined when it is empty. */
export async function readJson(response: Response): Promise<JsonAnswer> {
  const text = await response.text()
  const body: unknown = text === '' ? undefined : JSON.parse(text)
  return { status: response.status, body }
}

/** A JSON error as it goes over the wire (RFC 6749 §5.2). */
export function refusal(status: number, error: string, description: string): JsonAnswer {
  return { status, body: { error, error_description: description } }
}

/** When to come back after trouble of ours: 1 to 5 s, so that not all come back at once (REL-R29). */
export const soon = /^[1-5]$/

/** The 503 for everything that passes: when to come back, and nothing that makes a client forget anything (invariant I6). */
export async function expectUnavailable(response: Response, retryAfter: string | RegExp = soon): Promise<void> {
  expect(await readJson(response)).toEqual({
    status: 503,
    body: { error: 'temporarily_unavailable', error_description: 'The server cannot answer at the moment. Try again shortly.' },
  })
  expect(response.headers.get('retry-after')).toMatch(typeof retryAfter === 'string' ? new RegExp(`^${retryAfter}$`) : retryAfter)
  expect(response.headers.get('www-authenticate')).toBeNull()
}
