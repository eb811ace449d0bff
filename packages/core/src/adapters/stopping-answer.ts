import { Hono } from 'hono'
import { prefersHtml } from '../http/endpoint.ts'
import { errorPage } from '../http/error-page.ts'
import { pageHeaders } from '../http/page.ts'
import { tryAgainOf } from '../http/try-again.ts'

/** The answer to what comes after the process was asked to end: another connection leads to another process, or to the next one. */
export function stoppingAnswer(request: Request): Response | Promise<Response> {
  const [code, description] = ['temporarily_unavailable', 'The server is stopping. Try again shortly.']
  const headers = { connection: 'close', 'retry-after': '2', 'cache-control': 'no-store' }
  const tryAgain = tryAgainOf(request, undefined, true)
  const pages = new Hono().use(pageHeaders()).all('*', () => errorPage(503, { code, description, tryAgain }, headers))
  if (prefersHtml(request)) return pages.fetch(request)
  const body = { error: code, error_description: description }
  return Response.json(body, { status: 503, headers: { ...headers, 'access-control-allow-origin': '*' } })
}
