import { describe, expect, it } from 'vitest'
import { fixedStandIn, signIn, token } from './fixed-stand-in.ts'
import type { StandIn } from './stand-in.ts'

const accessToken = `gho_${'02'.repeat(18)}`
const basic = { authorization: `Basic ${btoa('app:hush')}` }

async function signedIn(fields: Record<string, string> = {}) {
  const github = fixedStandIn()
  await token(github, { code: await signIn(github, fields) })
  return github
}

const user = async (github: StandIn, path: string, authorization?: string) =>
  github.app.request(`http://127.0.0.1:9000${path}`, { headers: authorization === undefined ? {} : { authorization } })

const revoke = async (github: StandIn, path: string, body: string, headers: Record<string, string> = basic) =>
  github.app.request(path, { method: 'DELETE', body, headers })

describe('GET /user', () => {
  it('tells who the person is, at the root and under /api/v3, by both schemes', async () => {
    const github = await signedIn({ scope: 'read:user gist' })
    for (const path of ['/user', '/api/v3/user']) {
      for (const scheme of ['Bearer', 'token']) {
        const answer = await user(github, path, `${scheme} ${accessToken}`)
        expect(answer.status).toBe(200)
        expect(answer.headers.get('x-oauth-scopes')).toBe('read:user, gist')
        expect(await answer.json()).toEqual({
          login: 'octocat',
          id: 583231,
          node_id: 'MDQ6VXNlcjU4MzIzMQ==',
          avatar_url: 'http://127.0.0.1:9000/avatars/u/583231?v=4',
          url: 'http://127.0.0.1:9000/users/octocat',
          html_url: 'http://127.0.0.1:9000/octocat',
          type: 'User',
          site_admin: false,
          name: 'The Octocat',
          company: null,
          blog: '',
          location: null,
          email: 'octocat@example.com',
          bio: null,
          public_repos: 8,
          followers: 20,
          following: 0,
          created_at: '2011-01-25T18:44:36Z',
          updated_at: '2026-01-01T00:00:00Z',
        })
      }
    }
  })

  it('has null where a person shows nothing', async () => {
    const github = await signedIn({ login: 'bob' })
    expect(await (await user(github, '/user', `Bearer ${accessToken}`)).json()).toMatchObject({ id: 1000002, name: null, email: null })
  })

  it('names no scopes for a GitHub App', async () => {
    const github = fixedStandIn({ mode: 'github-app' })
    await token(github, { code: await signIn(github) })
    const answer = await user(github, '/user', `Bearer ghu_${'02'.repeat(18)}`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-oauth-scopes')).toBeNull()
  })

  it('refuses an unknown token and a missing one', async () => {
    const unknown = await user(fixedStandIn(), '/api/v3/user', 'Bearer gho_unknown')
    expect(unknown.status).toBe(401)
    expect(await unknown.json()).toEqual({ message: 'Bad credentials', documentation_url: 'https://docs.github.com/rest', status: '401' })
    const missing = await user(fixedStandIn(), '/user')
    expect(missing.status).toBe(401)
    expect(await missing.json()).toEqual({
      message: 'Requires authentication',
      documentation_url: 'https://docs.github.com/rest',
      status: '401',
    })
  })
})

describe('POST /applications/{client_id}/token', () => {
  const check = (github: StandIn, of: string, accessToken: string, authorization: string) =>
    github.app.request(`/api/v3/applications/${of}/token`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ access_token: accessToken }),
    })

  it('says of a token of the app whose it is, and knows no other', async () => {
    const github = await signedIn()
    const answer = await check(github, 'app', accessToken, `Basic ${btoa('app:hush')}`)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ token: accessToken, app: { client_id: 'app' }, user: { login: 'octocat' } })
    expect((await check(github, 'other', accessToken, `Basic ${btoa('app:hush')}`)).status).toBe(404)
    expect((await check(github, 'app', 'gho_unknown', `Basic ${btoa('app:hush')}`)).status).toBe(404)
    expect((await check(github, 'app', accessToken, `Basic ${btoa('app:wrong')}`)).status).toBe(401)
    expect((await user(github, '/user', `Bearer ${accessToken}`)).status).toBe(200)
    expect(github.calls('check')).toBe(4)
  })
})

describe('DELETE /applications/{client_id}/token and /grant', () => {
  it('ends the token with 204, at the root and under /api/v3', async () => {
    for (const prefix of ['', '/api/v3']) {
      const github = await signedIn()
      const answer = await revoke(github, `${prefix}/applications/app/token`, JSON.stringify({ access_token: accessToken }))
      expect(answer.status).toBe(204)
      expect(await answer.text()).toBe('')
      expect((await user(github, '/user', `Bearer ${accessToken}`)).status).toBe(401)
    }
  })

  it('ends every token of the person with the grant, and nobody else’s', async () => {
    const github = await signedIn()
    await token(github, { code: await signIn(github) })
    await token(github, { code: await signIn(github, { login: 'alice' }) })
    expect((await revoke(github, '/applications/app/grant', JSON.stringify({ access_token: accessToken }))).status).toBe(204)
    expect((await user(github, '/user', `Bearer gho_${'04'.repeat(18)}`)).status).toBe(401)
    expect((await user(github, '/user', `Bearer gho_${'06'.repeat(18)}`)).status).toBe(200)
  })

  it('refuses a wrong secret, a body without a token, another app and an unknown token', async () => {
    const github = await signedIn()
    const body = JSON.stringify({ access_token: accessToken })
    const wrong = { authorization: `Basic ${btoa('app:wrong')}` }
    expect((await revoke(github, '/applications/app/token', body, wrong)).status).toBe(401)
    expect((await revoke(github, '/applications/app/token', 'no json')).status).toBe(422)
    expect((await revoke(github, '/applications/other/token', body)).status).toBe(404)
    expect((await revoke(github, '/applications/app/token', JSON.stringify({ access_token: 'gho_unknown' }))).status).toBe(404)
    expect((await user(github, '/user', `Bearer ${accessToken}`)).status).toBe(200)
  })
})
