import { html } from 'hono/html'
import type { Person } from './people.ts'

/** What hono/html makes: text that is already escaped. */
export type Html = ReturnType<typeof html>

/** What the login page shows, and what its form carries on. */
export interface LoginPage {
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly people: readonly Person[]
  /** The parameters of the authorization request, sent back with the form. */
  readonly request: Readonly<Record<string, string>>
  /** What the person typed, when nobody has that name. */
  readonly unknownLogin?: string
}

/** The page on which a sample person signs in. */
export function loginPage({ clientId, scopes, people, request, unknownLogin }: LoginPage): Html {
  const asked = scopes.length === 0 ? 'no scopes' : scopes.join(', ')
  return page(
    'Sign in',
    html`<p><strong>This is a stand-in for GitHub.</strong> It runs on this machine, knows a few sample people, and asks for no password.</p>
      <p><code>${clientId}</code> wants to know who you are (${asked}).</p>
      <form method="post" action="/login/oauth/authorize">
        ${Object.entries(request).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
        ${unknownLogin === undefined ? '' : html`<p role="alert">Nobody here is called “${unknownLogin}”.</p>`}
        <label for="login">Username</label>
        <input id="login" name="login" type="text" autocomplete="username" required autofocus list="people" aria-describedby="known" />
        <datalist id="people">${people.map(({ login }) => html`<option value="${login}"></option>`)}</datalist>
        <p id="known">Known here: ${people.map(({ login }) => login).join(', ')}.</p>
        <button type="submit" name="decision" value="sign-in">Sign in</button>
        <button type="submit" name="decision" value="cancel" formnovalidate>Cancel</button>
      </form>`,
  )
}

/** The page of a request that leads nowhere. */
export function refusalPage(what: string): Html {
  return page('This request cannot be answered', html`<p>${what}</p>`)
}

/** The page at the root: what this is. */
export function aboutPage(people: readonly Person[]): Html {
  return page(
    'A stand-in for GitHub',
    html`<p>It speaks GitHub's OAuth and API dialect, so that a login can be tried without registering an app.</p>
      <p>Known here: ${people.map(({ login }) => login).join(', ')}.</p>`,
  )
}

function page(title: string, body: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · GitHub stand-in</title>
        <style>
          body { font: 1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 3rem auto; padding: 0 1rem; color: #1f2328; background: #fff }
          input[type='text'], button { font: inherit; padding: 0.5rem 0.75rem; border: 1px solid #59636e; border-radius: 6px }
          input[type='text'] { display: block; box-sizing: border-box; width: 100%; margin: 0.25rem 0 }
          [role='alert'] { color: #b3261e }
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>`
}
