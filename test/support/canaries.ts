import { type House, redirectUri, signingKey, type TokenAnswer, verifier } from './house.ts'
import { comeToCallback, openTab } from './tab.ts'
import { takeCode } from './take-code.ts'
import { detour } from './upstream-detour.ts'

/** What must be found nowhere: everything that anybody could use, forge or link a credential with (invariant I7). */
export interface Canaries {
  /** Named, so that a failure says which. */
  readonly secrets: ReadonlyMap<string, string>
  add(name: string, secret: string | null | undefined): void
}

/** None yet. */
export function openCanaries(): Canaries {
  const secrets = new Map<string, string>()
  return {
    secrets,
    add(name, secret) {
      if (!secret || secret.length < 8) throw new Error(`${name} is no canary: ${secret}`)
      secrets.set(`${name} ${secrets.size}`, secret)
    },
  }
}

/** Which canaries a text has in it, as they are or encoded. */
export function found({ secrets }: Canaries, text: string): string[] {
  return [...secrets].flatMap(([name, secret]) =>
    [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=+$/, '')].some((form) => text.includes(form))
      ? [name]
      : [],
  )
}

/** Does everything that can be done, right and wrong, and collects every secret that shows up, and every answer's text. */
export async function liveThrough(house: House, canaries: Canaries): Promise<string[]> {
  const answers: string[] = []
  const note = async (answer: Response): Promise<Response> => {
    answers.push(JSON.stringify([...answer.headers]), await answer.clone().text())
    return answer
  }
  const knock = async (token: string) => {
    const request = new Request('http://localhost:8000/mcp', { headers: { authorization: `Bearer ${token}` } })
    const who = await house.auth.authenticate(request)
    if (who instanceof Response) await note(who)
  }

  const state = 'client-state-0123456789'
  const { tab, clientId, state: upstreamState, callback } = await comeToCallback(house, { state })
  for (const [name, value] of tab.cookies) canaries.add(`cookie ${name}`, value)
  canaries.add('client state', state)
  canaries.add('upstream state', upstreamState)
  canaries.add('upstream code', new URL(callback).searchParams.get('code'))
  const { location } = await tab.open(callback)
  const code = new URL(location).searchParams.get('code') ?? ''
  canaries.add('code', code)
  canaries.add('code secret', code.split('.')[1])

  await note(await house.redeem(clientId, code, { code_verifier: `${verifier}-wrong` }))
  await note(await house.redeem(clientId, code, { client_secret: 'secret-of-nobody-01' }))
  await note(await house.redeem('unknown-client', code, { client_secret: 'secret-of-nobody-01' }))
  await note(await house.redeem(clientId, code, { resource: 'https://other-resource.example/mcp' }))
  const tokens: TokenAnswer = await (await house.redeem(clientId, code, { redirect_uri: redirectUri })).json()
  canaries.add('access token', tokens.access_token)
  canaries.add('refresh token', tokens.refresh_token)
  canaries.add('refresh token mac', tokens.refresh_token.split('.')[2])
  await knock(tokens.access_token)
  await knock(`${tokens.access_token}x`)
  await note(await house.refresh(clientId, `${tokens.refresh_token}x`))

  const who = await house.auth.verifyAccessToken(tokens.access_token)
  const { accessToken } = await house.auth.upstream(who)
  canaries.add('upstream access token', accessToken)
  house.environment.advance(8 * 3600 - 240)
  const refreshToken = await upstreamRefreshTokenSent(house, async () => {
    const next: TokenAnswer = await (await house.refresh(clientId, tokens.refresh_token)).json()
    canaries.add('access token', next.access_token)
    canaries.add('refresh token', next.refresh_token)
    await knock(next.access_token)
    await house.environment.drain()
  })
  if (refreshToken) canaries.add('upstream refresh token', refreshToken)
  const fresh = await house.auth.upstream(who)
  if (fresh.accessToken !== accessToken) canaries.add('upstream access token', fresh.accessToken)

  const replayed = await takeCode(house)
  canaries.add('code', replayed.code)
  for (let n = 0; n < 2; n += 1) {
    const answer = await house.redeem(replayed.clientId, replayed.code)
    if (answer.ok) canaries.add('access token', (await answer.json()).access_token)
    else await note(answer)
  }
  await note(await house.post('/revoke', { client_id: clientId, token: fresh.accessToken }))
  await note(await house.post('/revoke', { client_id: clientId, token: tokens.refresh_token }))
  await knock(tokens.access_token)
  house.github.misbehave({ token: 'status-500' })
  const failed = await comeToCallback(house)
  canaries.add('upstream code', new URL(failed.callback).searchParams.get('code'))
  await failed.tab.open(failed.callback)
  house.github.misbehave({})
  const back = detour(house, async () => Response.json({ error: 'invalid_client', error_description: 'canary-of-the-upstream' }))
  const worse = await comeToCallback(house)
  await worse.tab.open(worse.callback)
  back()
  // It is asked again after a pause.
  house.environment.advance(5)
  await note(await house.call('/authorize?client_id=unknown-client&redirect_uri=https://evil.example/callback&state=evil-state-012345'))
  const denied = openTab(house)
  await denied.decide(await denied.open(house.authorizeUrl(clientId, { state: 'denied-state-012345' })), 'deny')
  await house.login()
  await house.environment.drain()

  for (const secret of ['upstream-secret', 'canary-of-the-upstream', 'secret-of-nobody-01', signingKey, verifier])
    canaries.add('secret', secret)
  return answers
}

/** The upstream refresh token that was sent while `work` was done. */
async function upstreamRefreshTokenSent(house: House, work: () => Promise<void>): Promise<string | undefined> {
  const before = house.github.received.length
  await work()
  const sent = house.github.received.slice(before).map(({ body }) => new URLSearchParams(body).get('refresh_token'))
  return sent.find((token) => token !== null) ?? undefined
}
