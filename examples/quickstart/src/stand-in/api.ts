import { type Context, Hono } from 'hono'
import { basicCredentials } from './basic-credentials.ts'
import type { Person } from './people.ts'
import type { Mode, Records } from './records.ts'

/** The registered app and the tokens it holds. */
export interface ApiNeeds {
  readonly mode: Mode
  readonly clientId: string
  readonly clientSecret: string
  readonly records: Pick<Records, 'findToken' | 'revokeToken' | 'revokeGrant'>
}

/**
 * The API, at the root as on api.github.com, and under `/api/v3` when mounted there as on GitHub Enterprise Server:
 * `GET /user`, `POST` and `DELETE /applications/{client_id}/token`, and `DELETE /applications/{client_id}/grant` (https://docs.github.com/en/rest/users/users,
 * https://docs.github.com/en/rest/apps/oauth-applications).
 */
export function apiRoutes(needs: ApiNeeds): Hono {
  const { records } = needs
  return new Hono()
    .get('/user', (c) => showUser(c, needs))
    .post('/applications/:clientId/token', (c) => asApp(c, needs, (token) => checkToken(c, needs, token)))
    .delete('/applications/:clientId/token', (c) => asApp(c, needs, (token) => records.revokeToken(token) && c.body(null, 204)))
    .delete('/applications/:clientId/grant', (c) => asApp(c, needs, (token) => records.revokeGrant(token) && c.body(null, 204)))
}

function showUser(c: Context, { mode, records }: ApiNeeds): Response {
  const [, token] = /^(?:bearer|token) +(\S+)$/i.exec(c.req.header('authorization') ?? '') ?? []
  if (token === undefined) return refused(c, 401, 'Requires authentication')
  const record = records.findToken(token)
  if (!record) return refused(c, 401, 'Bad credentials')
  // A GitHub App's token has no scopes to tell.
  if (mode === 'oauth-app') c.header('x-oauth-scopes', record.scopes.join(', '))
  return c.json(userFields(record.person, new URL(c.req.url).origin))
}

function checkToken(c: Context, { clientId, records }: ApiNeeds, token: string): Response | false {
  const record = records.findToken(token)
  if (!record) return false
  const { id, login } = record.person
  return c.json({ id, scopes: record.scopes, token, app: { name: 'the app', client_id: clientId }, user: { id, login } })
}

/** What the app asks about a token of its own; what is not found is answered with 404. */
async function asApp(c: Context, { clientId, clientSecret }: ApiNeeds, act: (token: string) => Response | false): Promise<Response> {
  const basic = basicCredentials(c.req.header('authorization'))
  if (basic?.id !== clientId || basic.secret !== clientSecret) return refused(c, 401, 'Bad credentials')
  const body = parseJson(await c.req.text())
  const token = typeof body === 'object' && body !== null && 'access_token' in body ? body.access_token : undefined
  if (typeof token !== 'string') return refused(c, 422, 'Validation Failed')
  return (c.req.param('clientId') === clientId && act(token)) || refused(c, 404, 'Not Found')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refused(c: Context, status: 401 | 404 | 422, message: string): Response {
  return c.json({ message, documentation_url: 'https://docs.github.com/rest', status: String(status) }, status)
}

function userFields({ id, login, name, email }: Person, origin: string) {
  return {
    login,
    id,
    node_id: Buffer.from(`04:User${id}`).toString('base64'),
    avatar_url: `${origin}/avatars/u/${id}?v=4`,
    url: `${origin}/users/${login}`,
    html_url: `${origin}/${login}`,
    type: 'User',
    site_admin: false,
    name,
    company: null,
    blog: '',
    location: null,
    email,
    bio: null,
    public_repos: 8,
    followers: 20,
    following: 0,
    created_at: '2011-01-25T18:44:36Z',
    updated_at: '2026-01-01T00:00:00Z',
  }
}
