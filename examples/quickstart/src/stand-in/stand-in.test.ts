import { describe, expect, it } from 'vitest'
import { fixedStandIn, post, signIn, token } from './fixed-stand-in.ts'
import { serveStandIn } from './serve.ts'

const accessToken = `gho_${'02'.repeat(18)}`
const bearer = { headers: { authorization: `Bearer ${accessToken}` } }

describe('the stand-in', () => {
  it('says at the root what it is', async () => {
    const answer = await fixedStandIn().app.request('/')
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain('<h1>A stand-in for GitHub</h1>')
  })

  it('counts calls and writes down what it received', async () => {
    const github = fixedStandIn()
    await token(github, { code: await signIn(github) })
    await github.app.request('/api/v3/user', bearer)
    expect((['authorize', 'signIn', 'token', 'user', 'revocation', 'other'] as const).map((endpoint) => github.calls(endpoint))).toEqual([
      0, 1, 1, 1, 0, 0,
    ])
    expect(github.received).toEqual([
      {
        endpoint: 'signIn',
        method: 'POST',
        path: '/login/oauth/authorize',
        authorization: undefined,
        body: 'client_id=app&decision=sign-in&login=octocat',
      },
      {
        endpoint: 'token',
        method: 'POST',
        path: '/login/oauth/access_token',
        authorization: undefined,
        body: 'client_id=app&client_secret=hush&code=01010101010101010101',
      },
      { endpoint: 'user', method: 'GET', path: '/api/v3/user', authorization: `Bearer ${accessToken}`, body: '' },
    ])
  })

  it('forgets every token when everything is revoked', async () => {
    const github = fixedStandIn()
    await token(github, { code: await signIn(github) })
    github.revokeAll()
    expect((await github.app.request('/user', bearer)).status).toBe(401)
  })

  it('goes wrong as it was told, spends nothing meanwhile, and behaves again', async () => {
    const github = fixedStandIn()
    const code = await signIn(github)
    const redeem = () => post(github, '/login/oauth/access_token', { client_id: 'app', client_secret: 'hush', code })
    github.misbehave({ token: 'status-500' })
    expect((await redeem()).status).toBe(500)
    github.misbehave({ token: 'html' })
    expect((await redeem()).headers.get('content-type')).toBe('text/html; charset=UTF-8')
    github.misbehave({ token: 'error-200' })
    expect(await (await redeem()).json()).toMatchObject({ error: 'bad_verification_code' })
    github.misbehave({ token: 'garbage' })
    await expect((await redeem()).json()).rejects.toThrow(SyntaxError)
    github.misbehave({})
    expect(await (await redeem()).text()).toMatch(/^access_token=gho_/)
  })

  it('refuses a refresh with the error of a refresh', async () => {
    const github = fixedStandIn()
    github.misbehave({ token: 'error-200' })
    expect(await token(github, { grant_type: 'refresh_token' })).toMatchObject({ error: 'bad_refresh_token' })
  })

  it('goes wrong at one endpoint and not at the other', async () => {
    const github = fixedStandIn()
    github.misbehave({ user: 'error-200' })
    await token(github, { code: await signIn(github) })
    const answer = await github.app.request('/api/v3/user', bearer)
    expect([answer.status, await answer.json()]).toEqual([200, { message: 'Server Error' }])
  })

  it('gives no answer while it hangs, and can be stopped all the same', async () => {
    const github = await serveStandIn({ clientId: 'app', clientSecret: 'hush', callbackUrl: 'http://localhost:8000/auth/callback' })
    github.misbehave({ user: 'hang' })
    const given = AbortSignal.timeout(100)
    await expect(fetch(`${github.url}/user`, { signal: given })).rejects.toMatchObject({ name: 'TimeoutError' })
    const cutOff = expect(fetch(`${github.url}/user`)).rejects.toThrow(TypeError)
    await expect.poll(() => github.calls('user')).toBe(2)
    await github.close()
    await cutOff
  })

  it('listens on a free loopback port', async () => {
    const options = { clientId: 'app', clientSecret: 'hush', callbackUrl: 'http://localhost:8000/auth/callback' }
    const [one, other] = await Promise.all([serveStandIn(options), serveStandIn(options)])
    expect(one.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(one.url).not.toBe(other.url)
    expect((await fetch(`${one.url}/`)).status).toBe(200)
    await Promise.all([one.close(), other.close()])
  })
})
