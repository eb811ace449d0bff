import { readdirSync, readFileSync } from 'node:fs'
import { openBrowser, type Page } from '@drawbridge/quickstart/driver'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type House, openHouse, type TokenAnswer, verifier } from '../support/house.ts'
import { readJson } from '../support/read-json.ts'
import { type RegisteredClient, registerClient } from './registered-client.ts'

/** A registration body as a client is publicly known to send it; `sources` say where from. */
const fixtureShape = z.strictObject({
  client: z.string(),
  sources: z.array(z.url()).min(1),
  comment: z.string(),
  registration: z.looseObject({ redirect_uris: z.array(z.string()).min(1), token_endpoint_auth_method: z.string().optional() }),
})

const folder = new URL('fixtures/', import.meta.url)
const fixtures = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => fixtureShape.parse(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))))

it('has a body of every client that people are known to use', () => {
  expect(fixtures.map(({ client }) => client)).toEqual([
    'ChatGPT, a redirect URI for each connector',
    'ChatGPT, where the server sends iss (RFC 9207)',
    'Claude Code 2.1',
    'Claude (Desktop), /mcp in the program itself',
    'Claude (Desktop), a custom connector: the hosted client registers for it',
    'Claude (web), a custom connector',
    'Codex CLI',
    'GitHub Copilot CLI 1.0',
    'Cursor',
    'OpenCode',
    'VS Code, and GitHub Copilot in it',
  ])
})

/** The redirect URIs that a client may come with: those it registered, and on loopback the same with the port that was free. */
function usableRedirectUris(registered: readonly string[]): string[] {
  const moved = registered.map((uri) => uri.replace(/^(http:\/\/(?:localhost|127\.0\.0\.1))(?::\d+)?(?=\/)/, '$1:61234'))
  return [...new Set([...registered, ...moved])]
}

describe.each(fixtures)('$client', ({ registration }) => {
  it('registers, and is told all that it said and nothing that it must not have', async () => {
    const { answer } = await registerClient(openHouse(), registration)
    const { token_endpoint_auth_method: method = 'none', client_uri: _, ...said } = registration
    expect(answer).toMatchObject({ ...said, token_endpoint_auth_method: method, grant_types: ['authorization_code', 'refresh_token'] })
    expect('client_secret' in answer).toBe(method !== 'none')
    expect(JSON.stringify(answer)).not.toMatch(/null|""/)
  })

  it.each(usableRedirectUris(registration.redirect_uris))('logs in through %s, and refreshes', async (redirectUri) => {
    const house = openHouse()
    const client = await registerClient(house, registration)
    const { consent, answer } = await logIn(house, client, redirectUri)
    const { protocol, host } = new URL(redirectUri)
    expect(consent.html).toContain(`class="destination">${/^https?:$/.test(protocol) ? host : `${protocol}//${host}`}<`)
    expect(Object.fromEntries(answer)).toEqual({
      code: expect.stringMatching(/^db_ac_/),
      state: 'the-state',
      iss: 'http://localhost:8000',
    })
    const code = answer.get('code') ?? ''
    const redemption = await ask(house, client, {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: redirectUri,
    })
    const tokens: TokenAnswer = await redemption.clone().json()
    expect(await readJson(redemption)).toEqual(granted)
    expect(await readJson(await ask(house, client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }))).toEqual(granted)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
  })
})

const granted = {
  status: 200,
  body: {
    access_token: expect.any(String),
    token_type: 'Bearer',
    expires_in: 3600,
    scope: 'user',
    refresh_token: expect.stringMatching(/^db_rt_/),
  },
}

/** A person who reads the form, allows and signs in; what came back to the client, and the form. */
async function logIn(
  house: House,
  { clientId }: RegisteredClient,
  redirectUri: string,
): Promise<{ consent: Page; answer: URLSearchParams }> {
  const browser = openBrowser({ stopAt: redirectUri, fetch: house.call })
  const consent = await browser.open(house.authorizeUrl(clientId, { redirect_uri: redirectUri }))
  const end = await browser.press(await browser.press(consent, 'Allow'), 'Sign in', { login: 'octocat' })
  return { consent, answer: new URL(end.url).searchParams }
}

function ask(house: House, { credentials }: RegisteredClient, fields: Record<string, string>): Promise<Response> {
  return house.post('/token', { ...fields, ...credentials.fields }, credentials.headers)
}
