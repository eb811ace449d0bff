import { type Context, Hono } from 'hono'
import { loginPage, refusalPage } from './login-page.ts'
import { findPerson, type Person } from './people.ts'
import type { Records } from './records.ts'
import { normalizeScopes } from './scopes.ts'

/** The app that is registered here, and who may sign in. */
export interface AuthorizeNeeds {
  readonly clientId: string
  readonly callbackUrl: string
  readonly people: readonly Person[]
  readonly records: Pick<Records, 'createCode'>
}

/** Where GitHub explains the errors of an authorization request. */
const troubleshooting = '/apps/managing-oauth-apps/troubleshooting-authorization-request-errors'

/** The parameters that the login page carries on. */
const carried = ['client_id', 'redirect_uri', 'state', 'scope', 'code_challenge', 'code_challenge_method'] as const

/**
 * `GET` and `POST /login/oauth/authorize`: the login page, and its answer by redirect
 * (https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps). A redirect URI that is not the
 * registered one is told to the registered one, as GitHub does.
 */
export function authorizeRoutes(needs: AuthorizeNeeds): Hono {
  return new Hono()
    .get('/login/oauth/authorize', (c) => {
      const request = new URL(c.req.url).searchParams
      return refuse(c, needs, request) ?? showLogin(c, needs, request)
    })
    .post('/login/oauth/authorize', async (c) => {
      const form = new URLSearchParams(await c.req.text())
      return refuse(c, needs, form) ?? decide(c, needs, form)
    })
}

function refuse(c: Context, { clientId, callbackUrl }: AuthorizeNeeds, request: URLSearchParams): Response | Promise<Response> | undefined {
  if (request.get('client_id') !== clientId) return c.html(refusalPage('No app is registered under that client_id.'), 404)
  if ((request.get('redirect_uri') ?? callbackUrl) !== callbackUrl) {
    return redirect(callbackUrl, request, {
      error: 'redirect_uri_mismatch',
      error_description: 'The redirect_uri MUST match the registered callback URL for this application.',
      error_uri: `${troubleshooting}/#redirect-uri-mismatch`,
    })
  }
  const challenge = request.get('code_challenge')
  if (challenge && (request.get('code_challenge_method') !== 'S256' || !/^[A-Za-z0-9_-]{43}$/.test(challenge))) {
    return redirect(callbackUrl, request, { error: 'invalid_request', error_description: 'Only an S256 code_challenge is supported.' })
  }
  return undefined
}

function showLogin(c: Context, { clientId, people }: AuthorizeNeeds, request: URLSearchParams, unknownLogin?: string) {
  const sent = carried.flatMap((name) => (request.has(name) ? [[name, request.get(name) ?? '']] : []))
  c.header('cache-control', 'no-store')
  return c.html(
    loginPage({
      clientId,
      people,
      scopes: normalizeScopes(request.get('scope') ?? ''),
      request: Object.fromEntries(sent),
      ...(unknownLogin !== undefined && { unknownLogin }),
    }),
    unknownLogin === undefined ? 200 : 422,
  )
}

function decide(c: Context, needs: AuthorizeNeeds, form: URLSearchParams): Response | Promise<Response> {
  const { callbackUrl, people, records } = needs
  if (form.get('decision') === 'cancel') {
    return redirect(callbackUrl, form, {
      error: 'access_denied',
      error_description: 'The user has denied your application access.',
      error_uri: `${troubleshooting}/#access-denied`,
    })
  }
  const login = form.get('login') ?? ''
  const person = findPerson(people, login)
  if (!person) return showLogin(c, needs, form, login)
  const codeChallenge = form.get('code_challenge')
  const code = records.createCode({
    person,
    redirectUri: callbackUrl,
    scopes: normalizeScopes(form.get('scope') ?? ''),
    ...(codeChallenge && { codeChallenge }),
  })
  return redirect(callbackUrl, form, { code })
}

function redirect(callbackUrl: string, request: URLSearchParams, answer: Readonly<Record<string, string>>): Response {
  const to = new URL(callbackUrl)
  for (const [name, value] of Object.entries(answer)) to.searchParams.set(name, value)
  const state = request.get('state')
  if (state !== null) to.searchParams.set('state', state)
  return new Response(null, { status: 302, headers: { location: to.href, 'cache-control': 'no-store' } })
}
