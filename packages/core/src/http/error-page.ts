import { html } from 'hono/html'
import { page, pageResponse } from './page.ts'
import { type TryAgain, tryAgainButton } from './try-again.ts'

/** What to do, by status; people come here from a program of theirs and go back to it. */
const advice: Readonly<Record<number, string>> = {
  403: 'For your safety this login was stopped. Close this page and start again in your application.',
  429: 'Wait a moment and load this page again.',
  503: 'This will pass. Wait a moment and load this page again.',
}

/** What an error page tells. */
export interface ErrorPageParts {
  readonly code: string
  readonly description: string
  readonly tryAgain?: TryAgain | undefined
  /** What people can quote, and the operator then finds in the events. */
  readonly requestId?: string | undefined
}

/** A page that says what went wrong, in words that nobody else chose; with a button where the same request can be made again. */
export function errorPage(
  status: number,
  { code, description, tryAgain, requestId }: ErrorPageParts,
  headers: Record<string, string>,
): Promise<Response> {
  const title = status === 503 || status === 429 ? 'Not available at the moment' : 'This login cannot go on'
  const content = page(
    title,
    html`<h1>${title}</h1>
<p>${description}</p>
<p>${tryAgain ? 'This will pass. Wait a moment and try again.' : (advice[status] ?? 'Close this page and start again in your application.')}</p>
${tryAgain ? tryAgainButton(tryAgain) : ''}<p class="quiet">${code}</p>${requestId === undefined ? '' : html`\n<p class="quiet">Request ${requestId}</p>`}`,
  )
  // A form has to say where it comes from, as the consent page's does.
  const referrer = tryAgain?.by === 'form' && { 'referrer-policy': 'same-origin' }
  return pageResponse(content, { status, headers: { ...headers, ...referrer } })
}
