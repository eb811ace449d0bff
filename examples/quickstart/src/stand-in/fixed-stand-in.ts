import { type StandIn, type StandInOptions, standIn } from './stand-in.ts'

/** The challenge and verifier of RFC 7636 appendix B. */
export const pkce = {
  verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
} as const

/** A stand-in whose clock stands still and whose randomness counts: 0101…, 0202…, 0303… */
export function fixedStandIn(options: Partial<StandInOptions> = {}): StandIn & { advance(seconds: number): void } {
  let moment = 1_767_268_800
  let drawn = 0
  const made = standIn({
    clientId: 'app',
    clientSecret: 'hush',
    callbackUrl: 'http://localhost:8000/auth/callback',
    now: () => moment,
    randomBytes(length) {
      drawn += 1
      return new Uint8Array(length).fill(drawn)
    },
    ...options,
  })
  return {
    ...made,
    advance(seconds) {
      moment += seconds
    },
  }
}

/** Posts a form. */
export function post(
  target: StandIn,
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Response> {
  const sent = { 'content-type': 'application/x-www-form-urlencoded', ...headers }
  return Promise.resolve(target.app.request(path, { method: 'POST', body: new URLSearchParams(fields).toString(), headers: sent }))
}

/** Signs somebody in and answers the code. */
export async function signIn(target: StandIn, fields: Record<string, string> = {}): Promise<string> {
  const answer = await post(target, '/login/oauth/authorize', { client_id: 'app', decision: 'sign-in', login: 'octocat', ...fields })
  const code = new URL(answer.headers.get('location') ?? '').searchParams.get('code')
  if (code === null) throw new Error(`no code: ${answer.headers.get('location')}`)
  return code
}

/** Calls the token endpoint as the registered app; the answer as JSON. */
export async function token(target: StandIn, fields: Record<string, string>): Promise<unknown> {
  const credentials = { client_id: 'app', client_secret: 'hush' }
  const answer = await post(target, '/login/oauth/access_token', { ...credentials, ...fields }, { accept: 'application/json' })
  if (answer.status !== 200) throw new Error(`status ${answer.status}`)
  return answer.json()
}
