import { describe, expect, it } from 'vitest'
import { countedStore } from '../support/counted-store.ts'
import { openHouse, redirectUri } from '../support/house.ts'
import { readJson, refusal } from '../support/read-json.ts'
import { openTab } from '../support/tab.ts'

const allowed = ['http://127.0.0.1/callback', 'https://*.client.example.com/cb', 'https://client.example.com/cb/*', 'desk://cb']

function post(house: ReturnType<typeof openHouse>, uris: readonly string[]): Promise<Response> {
  const body = JSON.stringify({ redirect_uris: uris })
  return house.call('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
}

describe("a registration, where the operator lists redirect URIs (FastMCP's allowed_client_redirect_uris)", () => {
  it.each([
    'http://127.0.0.1:5555/callback',
    'https://one.client.example.com/cb',
    'https://client.example.com/cb/x',
    // Its scheme has no dot, and the list names it (T28).
    'desk://cb',
  ])('takes %s', async (uri) => {
    expect((await post(openHouse({ clients: { redirectUris: allowed } }), [uri])).status).toBe(201)
  })

  it.each([
    'http://localhost:5555/callback',
    'https://client.example.com/cb',
    'https://client.example.com.evil.example/cb/x',
    'https://client.example.com/cb/x/y',
    'https://client.example.com/cb/..;/x',
    'https://client.example.com//cb/x',
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'desk://other',
  ])('refuses %s, alone or among good ones, and nothing is stored (T24, T27)', async (uri) => {
    const store = countedStore()
    const house = openHouse({ clients: { redirectUris: allowed }, clientStorage: store })
    const refused = refusal(400, 'invalid_redirect_uri', 'A redirect URI is not one that this server allows.')
    expect(await readJson(await post(house, [uri]))).toEqual(refused)
    expect(await readJson(await post(house, ['http://127.0.0.1/callback', uri]))).toEqual(refused)
    expect(store.writes).toBe(0)
  })

  it('takes nothing where the list is empty', async () => {
    expect((await post(openHouse({ clients: { redirectUris: [] } }), [redirectUri])).status).toBe(400)
  })

  it('is not taken by a pattern that a client brings: a star is a character there', async () => {
    const house = openHouse()
    expect((await post(house, ['https://client.example.com/*'])).status).toBe(201)
    const clientId = await house.register({ redirect_uris: ['https://client.example.com/*'] })
    const page = await openTab(house).open(house.authorizeUrl(clientId, { redirect_uri: 'https://client.example.com/x' }))
    expect([page.status, page.location]).toEqual([400, ''])
  })
})

describe('an authorization request, where the operator lists redirect URIs', () => {
  it('needs both: the URI its client registered, and one on the list (T25)', async () => {
    const open = openHouse()
    const clientId = await open.register({ redirect_uris: [redirectUri, 'https://other.example/cb'] })
    const house = openHouse({ beside: open, clients: { redirectUris: allowed } })
    const json = { accept: 'application/json' }
    const statusOf = async (uri: string): Promise<unknown> => {
      const answer = await openTab(house).open(house.authorizeUrl(clientId, { redirect_uri: uri }), json)
      return [answer.status, answer.location, answer.status === 200 ? undefined : JSON.parse(answer.text).error_description]
    }
    expect(await statusOf(redirectUri)).toEqual([200, '', undefined])
    expect(await statusOf('http://127.0.0.1:6666/callback')).toEqual([200, '', undefined])
    // Registered before there was a list.
    expect(await statusOf('https://other.example/cb')).toEqual([400, '', 'The redirect URI is not allowed.'])
    // On the list, and another client's.
    expect(await statusOf('https://client.example.com/cb/x')).toEqual([
      400,
      '',
      'The redirect URI is not one that the application registered.',
    ])
    expect(house.events.map((event) => 'reason' in event && event.reason)).toEqual(['redirect_uri_refused', 'redirect_uri_unregistered'])
  })

  it('comes to its end by a URI that is on it', async () => {
    const house = openHouse({ clients: { redirectUris: ['http://127.0.0.1:*/callback'] } })
    const { tokens } = await house.login()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
  })
})
