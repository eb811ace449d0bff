import { createHash } from 'node:crypto'
import type { OAuthProxy } from '../index.ts'

/** Where the server of a trial is. */
export const baseUrl = 'https://mcp.example.com'
const redirectUri = 'http://127.0.0.1:5555/callback'
const clientVerifier = 'the-verifier-of-the-client-which-never-leaves-us-01'

/** What our client asked with; none of it is the upstream's business. */
export const clientSecrets: Readonly<Record<string, string> & Record<'state' | 'challenge', string>> = {
  state: 'the-state-of-the-client',
  verifier: clientVerifier,
  challenge: createHash('sha256').update(clientVerifier).digest('base64url'),
  redirectUri,
}

/** A browser that has been sent to the upstream. */
export interface Visit {
  readonly clientId: string
  readonly authorizationUrl: string
  readonly cookie: string
}

/** Registers a client, authorizes and consents, as a client and a browser do. */
export async function visit(auth: OAuthProxy): Promise<Visit> {
  const metadata = { client_name: 'A client', redirect_uris: [redirectUri] }
  const headers = { 'content-type': 'application/json' }
  const registered = await call(auth, '/register', { method: 'POST', headers, body: JSON.stringify(metadata) })
  const { client_id: clientId }: { client_id: string } = await registered.json()
  const { state, challenge } = clientSecrets
  const asked = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state,
  })
  const question = await call(auth, `/authorize?${asked}`, { headers: { accept: 'text/html' } })
  const request = textIn(await question.text(), /name="request" value="([^"]+)"/)
  const body = new URLSearchParams({ request, decision: 'approve' })
  const moving = await call(auth, '/consent', { method: 'POST', headers: { cookie: cookieOf(question) }, body })
  return { clientId, authorizationUrl: textIn(await moving.text(), /href="(https?:[^"]+)"/), cookie: cookieOf(moving) }
}

/** Takes our code out of the callback's answer and redeems it, as the client does. */
export async function redeem(auth: OAuthProxy, clientId: string, answer: Response): Promise<{ access_token: string; scope: string }> {
  const code = new URL(answer.headers.get('location') ?? 'none:').searchParams.get('code')
  if (code === null) throw new Error(`The login ended with ${answer.status} ${answer.headers.get('location') ?? (await answer.text())}`)
  const body = new URLSearchParams({ grant_type: 'authorization_code', client_id: clientId, code, code_verifier: clientVerifier })
  return (await call(auth, '/token', { method: 'POST', body })).json()
}

/** Calls our server by a path. */
export async function call(auth: OAuthProxy, path: string, init?: RequestInit): Promise<Response> {
  return (await auth.fetch(new Request(`${baseUrl}${path}`, init))) ?? new Response(null, { status: 404 })
}

function cookieOf(answer: Response): string {
  return answer.headers
    .getSetCookie()
    .map((cookie) => cookie.replace(/;.*/, ''))
    .join('; ')
}

function textIn(page: string, pattern: RegExp): string {
  const found = pattern.exec(page)?.[1]
  if (found === undefined) throw new Error(`The page has no ${pattern}: ${page}`)
  return found.replaceAll('&amp;', '&')
}
