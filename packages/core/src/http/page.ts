import { createHash } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { html, raw } from 'hono/html'
import { secureHeaders } from 'hono/secure-headers'
import type { HtmlEscapedString } from 'hono/utils/html'

/** A piece of a page, escaped where it has to be. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>

const style = `
:root { color-scheme: light dark; --line: #8884; --quiet: #667; --go: #14632f; }
@media (prefers-color-scheme: dark) { :root { --quiet: #aab; --go: #1c7a3c; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1rem; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 30rem; margin: 0 auto; padding: 1.5rem; border: 1px solid var(--line); border-radius: .75rem; }
h1 { margin: 0 0 1rem; font-size: 1.35rem; line-height: 1.3; overflow-wrap: anywhere; }
p, dl { margin: 0 0 1rem; }
dt { color: var(--quiet); font-size: .875rem; }
dd { margin: 0 0 .75rem; overflow-wrap: anywhere; }
dd ul { margin: 0; padding-left: 1.25rem; }
.destination { font-size: 1.5rem; font-weight: 700; line-height: 1.3; }
.note { padding: .75rem 1rem; border-left: .25rem solid #b7791f; background: #b7791f1a; }
.warning { font-size: 1.125rem; font-weight: 600; }
.code { display: block; width: 100%; margin-top: .5rem; padding: .75rem 1rem; font: 700 1.5rem/1.3 ui-monospace, monospace; letter-spacing: .1em; text-transform: uppercase; border: 1px solid var(--line); border-radius: .5rem; background: transparent; color: inherit; }
.quiet { color: var(--quiet); font-size: .875rem; }
.choices { display: flex; gap: .75rem; }
.choices button, .choices a { flex: 1; padding: .75rem 1rem; font: inherit; font-weight: 600; text-align: center; text-decoration: none; border-radius: .5rem; border: 1px solid currentColor; background: transparent; color: inherit; cursor: pointer; }
.listed { flex-direction: column; }
.choices .go { background: var(--go); border-color: var(--go); color: #fff; }
.choices button:focus-visible, a:focus-visible, .code:focus-visible { outline: 3px solid #3b82f6; outline-offset: 2px; }
`

const styleHash = `'sha256-${createHash('sha256').update(style).digest('base64')}'`

/** A whole page. No script, nothing loaded from anywhere; `head` is for a `meta` that moves on. */
export function page(title: string, body: Html, head: Html | '' = ''): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
${head}
<style>${raw(style)}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>`
}

/** A page as a response. */
export async function pageResponse(
  content: Html,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): Promise<Response> {
  return new Response(String(await content), {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', ...headers },
  })
}

/** What every page is sent with: no script, no frame, no other origin, and forms to us alone. A page may set its own referrer policy. */
export function pageHeaders(): MiddlewareHandler {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      styleSrc: [styleHash],
      imgSrc: ["'self'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
    },
    xFrameOptions: 'DENY',
    referrerPolicy: 'no-referrer',
    // The window that opened us waits for its answer: a policy here would cut it off, see the ADR "The pages keep their opener".
    crossOriginOpenerPolicy: false,
    strictTransportSecurity: false,
    permissionsPolicy: { camera: [], microphone: [], geolocation: [], payment: [], usb: [] },
    overwrite: false,
  })
}

/** A page that moves on by itself, with a link for those whom it does not move (RFC 9700 §4.12 forbids 307 here; `form-action` can stop a redirect after the form). */
export function movingPage(title: string, text: string, link: string, location: string): Html {
  return page(
    title,
    html`<h1>${title}</h1>
<p>${text}</p>
<p><a href="${location}" rel="noreferrer">${link}</a></p>`,
    html`<meta http-equiv="refresh" content="0;url=${location}">`,
  )
}
