import type { MiddlewareHandler } from 'hono'
import { html } from 'hono/html'
import type { Html } from './page.ts'

/** How a person makes the same request again: at the same address, or by posting the same form. */
export type TryAgain = { readonly by: 'link' } | { readonly by: 'form'; readonly fields: URLSearchParams }

/** Where the form is kept that a page was sent. */
export interface KeptForm {
  Variables: { posted?: string | undefined }
}

/** Keeps what a person posted, so that they can post it again. A body that breaks off is refused by whoever reads it next. */
export function keepForm(): MiddlewareHandler<KeptForm> {
  return async (context, next) => {
    const copy = context.req.raw.clone()
    context.set('posted', await copy.text().catch(() => undefined))
    await next()
  }
}

/**
 * How the request of a page can be made again; undefined when it should not be by us. `posted` is the form it brought, as text.
 * Where it `matters` who sent the browser, only the person can: what our page leads to has been asked for by us, and no longer by
 * the site that sent it at first (threat T6).
 */
export function tryAgainOf({ method, headers }: Request, posted: string | undefined, matters: boolean): TryAgain | undefined {
  if (method === 'POST') return posted === undefined ? undefined : { by: 'form', fields: new URLSearchParams(posted) }
  const isSent = ['cross-site', 'same-site'].includes(headers.get('sec-fetch-site') ?? '')
  return matters && isSent ? undefined : { by: 'link' }
}

/** The button for it. An address that is left empty is the page's own, so that nothing of it is written into the page. */
export function tryAgainButton(tryAgain: TryAgain): Html {
  if (tryAgain.by === 'link')
    return html`<p class="choices"><a class="go" href="">Try again</a></p>
`
  return html`<form method="post">
${[...tryAgain.fields].map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<p class="choices"><button type="submit" class="go">Try again</button></p>
</form>
`
}
