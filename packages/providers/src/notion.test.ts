import { describeProvider, type ErrorExample, type ProviderDescription, type RequestExample, upstreamCall } from '@drawbridge/core/testing'
import { expect, it } from 'vitest'
import { NotionProvider, notion } from './notion.ts'

const accessToken = 'ntn_of-the-login'

// upstream-client:s3cret+%2F%2B%26%25
const ourselves = {
  accept: 'application/json',
  authorization: 'Basic dXBzdHJlYW0tY2xpZW50OnMzY3JldCslMkYlMkIlMjYlMjU=',
  'content-type': 'application/json',
}

const tokenRequest = { method: 'POST', url: 'https://api.notion.com/v1/oauth/token', headers: ourselves } satisfies RequestExample

// https://developers.notion.com/reference/create-a-token
const answer = {
  access_token: accessToken,
  token_type: 'bearer',
  refresh_token: 'nrt_of-the-login',
  bot_id: '16d84278-ab0e-484c-9bdd-b35da3bd8905',
  workspace_icon: null,
  workspace_name: 'Acme Workspace',
  workspace_id: '3c90c3cc-0d44-4b50-8888-8dd25736052a',
  owner: { type: 'user', user: { object: 'user', id: '5389a034-eb5c-47b5-8a9e-f79c99ef166c' } },
  duplicated_template_id: null,
  request_id: '3c90c3cc-0d44-4b50-8888-8dd25736052a',
}

// https://developers.notion.com/reference/get-self
const bot = {
  object: 'user',
  id: '16d84278-ab0e-484c-9bdd-b35da3bd8905',
  name: 'pied piper',
  avatar_url: null,
  type: 'bot',
  bot: {
    owner: {
      type: 'user',
      user: {
        object: 'user',
        id: '5389a034-eb5c-47b5-8a9e-f79c99ef166c',
        name: 'christine makenotion',
        avatar_url: null,
        type: 'person',
        person: { email: 'christine@makenotion.com' },
      },
    },
  },
}

const person = {
  subject: '5389a034-eb5c-47b5-8a9e-f79c99ef166c',
  claims: {
    name: 'christine makenotion',
    email: 'christine@makenotion.com',
    workspace_id: '3c90c3cc-0d44-4b50-8888-8dd25736052a',
    workspace_name: 'Acme Workspace',
  },
}

const error = (status: number, name: string, means: ErrorExample['means']): ErrorExample => ({
  status,
  answer: { error: name, request_id: '3c90c3cc-0d44-4b50-8888-8dd25736052a' },
  means,
})

const described: ProviderDescription = {
  name: 'NotionProvider',
  create: (options, environment) => new NotionProvider(options, environment),
  authorizationUrl:
    'https://api.notion.com/v1/oauth/authorize?response_type=code&client_id=upstream-client&redirect_uri=https%3A%2F%2Fmcp.example.com%2Fauth%2Fcallback&state={state}&owner=user',
  defaultScopes: [],
  exchange: {
    request: {
      ...tokenRequest,
      json: { grant_type: 'authorization_code', code: 'upstream-code', redirect_uri: 'https://mcp.example.com/auth/callback' },
    },
    answer,
    tokens: { accessToken, scopes: [], expiresIn: 3600 },
  },
  // https://developers.notion.com/reference/refresh-a-token
  refresh: {
    request: { ...tokenRequest, json: { grant_type: 'refresh_token', refresh_token: 'nrt_of-the-login' } },
    answer: { ...answer, access_token: 'ntn_refreshed-1', refresh_token: 'nrt_refreshed-1' },
    tokens: { accessToken: 'ntn_refreshed-1', scopes: [], expiresIn: 3600 },
  },
  identity: {
    request: {
      method: 'GET',
      url: 'https://api.notion.com/v1/users/me',
      headers: { accept: 'application/json', authorization: `Bearer ${accessToken}`, 'notion-version': '2022-06-28' },
    },
    answer: bot,
    identity: person,
    idMember: 'bot.owner.user.id',
  },
  revocation: {
    method: 'POST',
    url: 'https://api.notion.com/v1/oauth/revoke',
    headers: { ...ourselves, 'notion-version': '2022-06-28' },
    json: { token: accessToken },
  },
  errors: [
    error(400, 'invalid_grant', 'refused'),
    error(401, 'invalid_client', 'unavailable'),
    error(400, 'invalid_request', 'unavailable'),
    // https://developers.notion.com/reference/status-codes
    { status: 400, answer: { object: 'error', status: 400, code: 'invalid_grant', message: 'The grant is not valid.' }, means: 'refused' },
  ],
}

describeProvider(described)

const { refresh: _, ...withoutRefresh } = described

describeProvider({
  ...withoutRefresh,
  name: 'NotionProvider, without a refresh token',
  exchange: { ...described.exchange, answer: { ...answer, refresh_token: null }, tokens: { accessToken, scopes: [] } },
})

it('remembers the workspace, which only the answer with the token names', async () => {
  const call = { getJson: async () => bot }
  const { subject, claims } = await notion().identify(upstreamCall({ ...call, login: { answer } }))
  expect({ subject, claims }).toEqual(person)
  expect(await notion().identify(upstreamCall({ ...call, known: { subject, claims } }))).toMatchObject(person)
})

it('knows nobody where the connection belongs to a workspace', async () => {
  const call = upstreamCall({ getJson: async () => ({ ...bot, bot: { owner: { type: 'workspace', workspace: true } } }) })
  await expect(notion().identify(call)).rejects.toMatchObject({ reason: 'identity_without_subject' })
})
