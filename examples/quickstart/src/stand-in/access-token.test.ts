import { describe, expect, it } from 'vitest'
import { fixedStandIn, pkce, post, signIn, token } from './fixed-stand-in.ts'

const docs = 'https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/'
const badCode = {
  error: 'bad_verification_code',
  error_description: 'The code passed is incorrect or expired.',
  error_uri: `${docs}#bad-verification-code`,
}
const badClient = {
  error: 'incorrect_client_credentials',
  error_description: 'The client_id and/or client_secret passed are incorrect.',
  error_uri: `${docs}#incorrect-client-credentials`,
}

describe('POST /login/oauth/access_token, for an OAuth App', () => {
  it('gives a token that never ends, its scopes separated by commas', async () => {
    const github = fixedStandIn()
    const code = await signIn(github, { scope: 'repo gist' })
    expect(await token(github, { code })).toEqual({ access_token: `gho_${'02'.repeat(18)}`, token_type: 'bearer', scope: 'repo,gist' })
  })

  it('leaves out a scope that another one includes', async () => {
    const github = fixedStandIn()
    const code = await signIn(github, { scope: 'user,gist,user:email' })
    expect(await token(github, { code })).toMatchObject({ scope: 'user,gist' })
  })

  it('answers form-encoded unless JSON is accepted', async () => {
    const github = fixedStandIn()
    const code = await signIn(github, { scope: 'repo,gist' })
    const answer = await post(github, '/login/oauth/access_token', { client_id: 'app', client_secret: 'hush', code })
    expect(answer.headers.get('content-type')).toBe('application/x-www-form-urlencoded; charset=utf-8')
    expect(await answer.text()).toBe(`access_token=gho_${'02'.repeat(18)}&token_type=bearer&scope=repo%2Cgist`)
  })

  it('takes the app’s credentials by Basic, form-encoded or not', async () => {
    for (const credentials of ['app:p%40ss%2Fw', 'app:p@ss/w']) {
      const github = fixedStandIn({ clientSecret: 'p@ss/w' })
      const authorization = `Basic ${btoa(credentials)}`
      const answer = await post(
        github,
        '/login/oauth/access_token',
        { code: await signIn(github) },
        { authorization, accept: 'application/json' },
      )
      expect(await answer.json()).toMatchObject({ token_type: 'bearer' })
    }
  })

  it('says with status 200 that a code is unknown', async () => {
    expect(await token(fixedStandIn(), { code: 'unknown' })).toEqual(badCode)
  })

  it('takes a code once', async () => {
    const github = fixedStandIn()
    const code = await signIn(github)
    await token(github, { code })
    expect(await token(github, { code })).toEqual(badCode)
  })

  it('takes a code for ten minutes', async () => {
    const github = fixedStandIn()
    const [early, late] = [await signIn(github), await signIn(github)]
    github.advance(599)
    expect(await token(github, { code: early })).toMatchObject({ token_type: 'bearer' })
    github.advance(1)
    expect(await token(github, { code: late })).toEqual(badCode)
  })

  it('demands the verifier of a challenge that was sent, and does not spend the code on a wrong one', async () => {
    const github = fixedStandIn()
    const code = await signIn(github, { code_challenge: pkce.challenge, code_challenge_method: 'S256' })
    expect(await token(github, { code })).toEqual(badCode)
    expect(await token(github, { code, code_verifier: pkce.challenge })).toEqual(badCode)
    expect(await token(github, { code, code_verifier: pkce.verifier })).toMatchObject({ token_type: 'bearer' })
  })

  it('refuses a wrong secret before it looks at the code', async () => {
    const github = fixedStandIn()
    const code = await signIn(github)
    expect(await token(github, { code, client_secret: 'wrong' })).toEqual(badClient)
    expect(await token(github, { code })).toMatchObject({ token_type: 'bearer' })
  })

  it('refuses another redirect URI', async () => {
    const github = fixedStandIn()
    const code = await signIn(github)
    expect(await token(github, { code, redirect_uri: 'http://localhost:8000/other' })).toMatchObject({ error: 'redirect_uri_mismatch' })
  })

  it('knows no other grant type, and has no refresh tokens', async () => {
    expect(await token(fixedStandIn(), { grant_type: 'password' })).toMatchObject({ error: 'unsupported_grant_type' })
    expect(await token(fixedStandIn(), { grant_type: 'refresh_token' })).toMatchObject({ error: 'bad_refresh_token' })
  })
})

describe('POST /login/oauth/access_token, for a GitHub App', () => {
  it('gives a token of eight hours and a refresh token of six months, and names no scope', async () => {
    const github = fixedStandIn({ mode: 'github-app' })
    expect(await token(github, { code: await signIn(github, { scope: 'repo' }) })).toEqual({
      access_token: `ghu_${'02'.repeat(18)}`,
      expires_in: 28_800,
      refresh_token: `ghr_${'03'.repeat(38)}`,
      refresh_token_expires_in: 15_897_600,
      token_type: 'bearer',
      scope: '',
    })
  })

  it('rotates strictly: the refresh token that was used, and its access token, end', async () => {
    const github = fixedStandIn({ mode: 'github-app' })
    await token(github, { code: await signIn(github) })
    const refresh = { grant_type: 'refresh_token', refresh_token: `ghr_${'03'.repeat(38)}` }
    expect(await token(github, refresh)).toEqual({
      access_token: `ghu_${'04'.repeat(18)}`,
      expires_in: 28_800,
      refresh_token: `ghr_${'05'.repeat(38)}`,
      refresh_token_expires_in: 15_897_600,
      token_type: 'bearer',
      scope: '',
    })
    expect(await token(github, refresh)).toEqual({
      error: 'bad_refresh_token',
      error_description: 'The refresh token passed is incorrect or expired.',
      error_uri: `${docs}#bad-refresh-token`,
    })
    const old = await github.app.request('/user', { headers: { authorization: `Bearer ghu_${'02'.repeat(18)}` } })
    expect(old.status).toBe(401)
  })

  it.each([
    ['ends all that came of a refresh token that is used again, where it is to', 'end-all', { error: 'bad_refresh_token' }, 401],
    ['answers a refresh token as often as it is used, where it is to', 'answered', { token_type: 'bearer' }, 200],
  ] as const)('%s', async (_, usedRefreshTokens, again, newest) => {
    const github = fixedStandIn({ mode: 'github-app', usedRefreshTokens })
    await token(github, { code: await signIn(github) })
    const refresh = { grant_type: 'refresh_token', refresh_token: `ghr_${'03'.repeat(38)}` }
    await token(github, refresh)
    expect(await token(github, refresh)).toMatchObject(again)
    expect((await github.app.request('/user', { headers: { authorization: `Bearer ghu_${'04'.repeat(18)}` } })).status).toBe(newest)
  })

  it('ends the access token after eight hours and the refresh token after six months', async () => {
    const github = fixedStandIn({ mode: 'github-app' })
    await token(github, { code: await signIn(github) })
    const user = () => github.app.request('/user', { headers: { authorization: `Bearer ghu_${'02'.repeat(18)}` } })
    github.advance(28_799)
    expect((await user()).status).toBe(200)
    github.advance(1)
    expect((await user()).status).toBe(401)
    github.advance(15_897_600 - 28_800)
    expect(await token(github, { grant_type: 'refresh_token', refresh_token: `ghr_${'03'.repeat(38)}` })).toMatchObject({
      error: 'bad_refresh_token',
    })
  })
})
