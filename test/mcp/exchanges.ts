import type { MiddlewareHandler } from 'hono'

/** A request as it came in, and how it was answered. */
export interface Exchange {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  /** What was sent, when it was a form or JSON. */
  readonly body: Readonly<Record<string, unknown>>
  readonly status: number
  /** What was answered, when it was JSON. */
  readonly answer: Readonly<Record<string, unknown>>
}

/** An exchange in one line. */
export function lineOf({ method, path, status }: Exchange): string {
  return `${method} ${path} ${status}`
}

/** Writes down every exchange, in the order of the answers. */
export function writeExchanges(exchanges: Exchange[]): MiddlewareHandler {
  return async (context, next) => {
    const request = context.req.raw
    const sent = request.method === 'POST' ? parseBody(request.headers, await request.clone().text()) : {}
    await next()
    const answered = isJson(context.res.headers) ? parseBody(context.res.headers, await context.res.clone().text()) : {}
    const { pathname, searchParams } = new URL(request.url)
    exchanges.push({
      method: request.method,
      path: pathname,
      query: Object.fromEntries(searchParams),
      headers: Object.fromEntries(request.headers),
      body: sent,
      status: context.res.status,
      answer: answered,
    })
  }
}

function isJson(headers: Headers): boolean {
  return headers.get('content-type')?.startsWith('application/json') ?? false
}

function parseBody(headers: Headers, text: string): Record<string, unknown> {
  if (!isJson(headers)) return Object.fromEntries(new URLSearchParams(text))
  const json: unknown = JSON.parse(text)
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? Object.fromEntries(Object.entries(json)) : {}
}
