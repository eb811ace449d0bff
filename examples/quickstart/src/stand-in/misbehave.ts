import type { Context, MiddlewareHandler } from 'hono'
import { tokenError } from './access-token.ts'

/** How an endpoint goes wrong: an error, a page instead of JSON, no answer at all, an error that says 200, JSON that breaks off. */
export type Misbehaviour = 'status-500' | 'html' | 'hang' | 'error-200' | 'garbage'

/** Which endpoints go wrong, and how; an endpoint that is not named behaves. */
export interface Misbehave {
  readonly token?: Misbehaviour
  readonly user?: Misbehaviour
}

/** Answers wrongly, before anything is read or spent, while `current` says so. */
export function misbehaving(endpoint: keyof Misbehave, current: () => Misbehave): MiddlewareHandler {
  return async (c, next) => {
    const how = current()[endpoint]
    return how === undefined ? next() : answers[how](c, endpoint)
  }
}

const answers: Readonly<Record<Misbehaviour, (c: Context, endpoint: keyof Misbehave) => Response | Promise<Response>>> = {
  'status-500': (c) => c.json({ message: 'Server Error' }, 500),
  html: (c) => c.html('<!doctype html><title>Unicorn!</title><p>No server is currently available to service your request.</p>'),
  'error-200': async (c, endpoint) => c.json(endpoint === 'token' ? tokenError(await refusalOf(c)) : { message: 'Server Error' }),
  garbage: (c) => c.body('{"access_token":"gho_', 200, { 'content-type': 'application/json; charset=utf-8' }),
  hang: (c) => untilTheCallerLeaves(c.req.raw.signal),
}

async function refusalOf(c: Context): Promise<'bad_refresh_token' | 'bad_verification_code'> {
  const form = new URLSearchParams(await c.req.text())
  return form.get('grant_type') === 'refresh_token' ? 'bad_refresh_token' : 'bad_verification_code'
}

function untilTheCallerLeaves(signal: AbortSignal): Promise<Response> {
  return new Promise((resolve) => {
    const leave = () => resolve(new Response(null, { status: 504 }))
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
  })
}
