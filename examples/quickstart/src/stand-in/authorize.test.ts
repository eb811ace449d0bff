import { describe, expect, it } from 'vitest'
import { fixedStandIn, pkce, post } from './fixed-stand-in.ts'

const asked = {
  client_id: 'app',
  redirect_uri: 'http://localhost:8000/auth/callback',
  state: 'a&b"<c>',
  scope: 'read:user,gist',
  code_challenge: pkce.challenge,
  code_challenge_method: 'S256',
}
const query = (fields: Record<string, string>) => `/login/oauth/authorize?${new URLSearchParams(fields)}`

describe('GET /login/oauth/authorize', () => {
  it('shows a login page that says what it is and who can sign in', async () => {
    const answer = await fixedStandIn().app.request(query(asked))
    const page = await answer.text()
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/html; charset=UTF-8')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(page).toContain('<strong>This is a stand-in for GitHub.</strong>')
    expect(page).toContain('Known here: octocat, alice, bob.')
    expect(page).toContain('wants to know who you are (read:user, gist)')
  })

  it('carries the request on, escaped', async () => {
    const page = await (await fixedStandIn().app.request(query(asked))).text()
    expect(page).toContain('<input type="hidden" name="state" value="a&amp;b&quot;&lt;c&gt;" />')
    expect(page).toContain('<input type="hidden" name="code_challenge" value="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" />')
    expect(page).not.toContain('<c>')
  })

  it('answers 404 for an app that is not registered', async () => {
    const answer = await fixedStandIn().app.request(query({ ...asked, client_id: 'other' }))
    expect(answer.status).toBe(404)
    expect(answer.headers.get('location')).toBeNull()
  })

  it('tells the registered callback of a redirect URI that is not it', async () => {
    const answer = await fixedStandIn().app.request(query({ ...asked, state: 's', redirect_uri: 'http://evil.example/' }))
    expect(answer.status).toBe(302)
    expect(answer.headers.get('location')).toBe(
      'http://localhost:8000/auth/callback?error=redirect_uri_mismatch&error_description=The+redirect_uri+MUST+match+the+registered+callback+URL+for+this+application.&error_uri=%2Fapps%2Fmanaging-oauth-apps%2Ftroubleshooting-authorization-request-errors%2F%23redirect-uri-mismatch&state=s',
    )
  })

  it('refuses a challenge that is not S256', async () => {
    const answer = await fixedStandIn().app.request(query({ ...asked, state: 's', code_challenge_method: 'plain' }))
    expect(answer.headers.get('location')).toBe(
      'http://localhost:8000/auth/callback?error=invalid_request&error_description=Only+an+S256+code_challenge+is+supported.&state=s',
    )
  })
})

describe('POST /login/oauth/authorize', () => {
  it('redirects with code and state, whatever the case of the name', async () => {
    const answer = await post(fixedStandIn(), '/login/oauth/authorize', { ...asked, state: 's', decision: 'sign-in', login: 'OctoCat' })
    expect(answer.status).toBe(302)
    expect(answer.headers.get('location')).toBe('http://localhost:8000/auth/callback?code=01010101010101010101&state=s')
  })

  it('shows the page again when nobody has that name, and gives no code', async () => {
    const answer = await post(fixedStandIn(), '/login/oauth/authorize', { ...asked, decision: 'sign-in', login: '<mallory>' })
    const page = await answer.text()
    expect(answer.status).toBe(422)
    expect(page).toContain('Nobody here is called “&lt;mallory&gt;”.')
    expect(page).toContain('name="redirect_uri" value="http://localhost:8000/auth/callback"')
  })

  it('redirects with access_denied on Cancel', async () => {
    const answer = await post(fixedStandIn(), '/login/oauth/authorize', { ...asked, state: 's', decision: 'cancel', login: '' })
    expect(answer.headers.get('location')).toBe(
      'http://localhost:8000/auth/callback?error=access_denied&error_description=The+user+has+denied+your+application+access.&error_uri=%2Fapps%2Fmanaging-oauth-apps%2Ftroubleshooting-authorization-request-errors%2F%23access-denied&state=s',
    )
  })

  it('checks the redirect URI of the form again', async () => {
    const answer = await post(fixedStandIn(), '/login/oauth/authorize', {
      ...asked,
      redirect_uri: 'http://evil.example/',
      decision: 'sign-in',
      login: 'octocat',
    })
    expect(answer.headers.get('location')).toMatch(/^http:\/\/localhost:8000\/auth\/callback\?error=redirect_uri_mismatch&/)
  })
})
