import type { Route } from '@drawbridge/core'
import { challenge, redirectUri } from '../support/house.ts'
import type { World } from './world.ts'

/** A request that an endpoint takes: what the fuzz starts from. */
export interface Plausible {
  readonly path: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly as: 'query' | 'form' | 'json'
  readonly fields: readonly (readonly [string, unknown])[]
  readonly headers: Readonly<Record<string, string>>
}

type Fields = Readonly<Record<string, unknown>>
type Headers = Readonly<Record<string, string>>

const get = (path: string, fields: Fields = {}, headers: Headers = {}): Plausible => ({
  path,
  method: 'GET',
  as: 'query',
  fields: Object.entries(fields),
  headers,
})

const post = (path: string, as: 'form' | 'json', fields: Fields, headers: Headers = {}): Plausible => ({
  path,
  method: 'POST',
  as,
  fields: Object.entries(fields),
  headers,
})

const request = ({ clientId }: World['own']): Fields => ({
  client_id: clientId,
  redirect_uri: redirectUri,
  response_type: 'code',
  code_challenge: challenge,
  code_challenge_method: 'S256',
  state: 'any-state',
  scope: 'user',
  resource: 'http://localhost:8000/mcp',
})

/** A good request for each route, by its path; every route has to have one. */
const requests: Readonly<Record<string, (path: string, world: World) => readonly Plausible[]>> = {
  '/authorize': (path, { own, browser }) => [get(path, request(own), browser)],
  '/par': (path, { own }) => [post(path, 'form', request(own))],
  '/consent': (path, { own, browser }) => [
    post(path, 'form', { request: own.form, decision: 'approve' }, { ...browser, origin: 'http://localhost:8000' }),
  ],
  '/auth/callback': (path, { callback, browser }) => [get(path, Object.fromEntries(new URL(callback).searchParams), browser)],
  '/register': (path) => [
    post(path, 'json', {
      redirect_uris: [redirectUri],
      client_name: 'x',
      scope: 'user',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      application_type: 'native',
    }),
  ],
  '/token': (
    path,
    { own: { refreshing, code, verifier, refreshToken, deviceClientId, deviceCode, machine, machineSecret, jwtBearer, assertion, proof } },
  ) => [
    post(path, 'form', {
      grant_type: 'authorization_code',
      client_id: refreshing,
      code,
      code_verifier: verifier,
      redirect_uri: redirectUri,
    }),
    post(path, 'form', { grant_type: 'refresh_token', client_id: refreshing, refresh_token: refreshToken, scope: 'user' }),
    post(path, 'form', { grant_type: 'client_credentials', client_id: machine, client_secret: machineSecret, scope: 'user' }),
    post(path, 'form', { grant_type: 'client_credentials', client_id: machine, client_secret: machineSecret }, { dpop: proof ?? '' }),
    post(path, 'form', { grant_type: jwtBearer, client_id: machine, client_secret: machineSecret, assertion, scope: 'user' }),
    post(path, 'form', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: deviceClientId, device_code: deviceCode }),
  ],
  '/device_authorization': (path, { own }) => [
    post(path, 'form', { client_id: own.deviceClientId, scope: 'user', resource: 'http://localhost:8000/mcp' }),
  ],
  '/device': (path, { own, browser }) => [
    get(path, { user_code: own.userCode }, browser),
    post(path, 'form', { form: own.deviceForm, user_code: own.userCode }, { ...browser, origin: 'http://localhost:8000' }),
  ],
  '/device/done': (path, { own, browser }) => [get(path, { code: own.doneCode, state: own.doneState }, browser)],
  '/revoke': (path, { own: { clientId, accessToken } }) => [
    post(path, 'form', { client_id: clientId, token: accessToken, token_type_hint: 'access_token' }),
  ],
  '/introspect': (path, { own: { resourceServer, resourceServerSecret, accessToken } }) => [
    post(path, 'form', {
      client_id: resourceServer,
      client_secret: resourceServerSecret,
      token: accessToken,
      token_type_hint: 'access_token',
    }),
  ],
  '/.well-known/jwks.json': (path) => [get(path)],
  '/.well-known/oauth-authorization-server': (path) => [get(path)],
  '/.well-known/openid-configuration': (path) => [get(path)],
  '/.well-known/oauth-protected-resource': (path) => [get(path)],
  '/.well-known/oauth-protected-resource/mcp': (path) => [get(path)],
}

/** What is behind the gate, which is no route of ours. */
export const gatePath = '/mcp'

/** The routes that have no request here: they would not be fuzzed. */
export function withoutRequest(routes: readonly Route[]): string[] {
  return [...new Set(routes.map(({ path }) => path))].filter((path) => !Object.hasOwn(requests, path))
}

/** A good request for each route, and two for the gate. */
export function plausibleRequests(routes: readonly Route[], world: World): Plausible[] {
  const paths = [...new Set(routes.map(({ path }) => path))]
  const gate = post(gatePath, 'json', { jsonrpc: '2.0' }, { authorization: `Bearer ${world.own.accessToken}` })
  const withoutToken = post(gatePath, 'json', { jsonrpc: '2.0' })
  return [...paths.flatMap((path) => requests[path]?.(path, world) ?? []), gate, withoutToken]
}
