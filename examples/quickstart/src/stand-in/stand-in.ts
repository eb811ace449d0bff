import { randomBytes } from 'node:crypto'
import { Hono } from 'hono'
import { accessTokenRoutes } from './access-token.ts'
import { apiRoutes } from './api.ts'
import { authorizeRoutes } from './authorize.ts'
import { aboutPage } from './login-page.ts'
import { type Misbehave, misbehaving } from './misbehave.ts'
import { type Person, samplePeople } from './people.ts'
import { type Endpoint, type ReceivedRequest, writeDown } from './received.ts'
import { type Mode, openRecords, type UsedRefreshTokens, type World } from './records.ts'

/** The app that is registered at the stand-in, and how the stand-in behaves. */
export interface StandInOptions {
  readonly clientId: string
  readonly clientSecret: string
  /** The registered "Authorization callback URL". */
  readonly callbackUrl: string
  /** Default: `oauth-app`, whose tokens never end. */
  readonly mode?: Mode
  /** Default: `refused`, as at GitHub; other upstreams differ. */
  readonly usedRefreshTokens?: UsedRefreshTokens
  /** Who can sign in. Default: octocat, alice and bob. */
  readonly people?: readonly Person[]
  /** Seconds since 1970. Default: the real clock. */
  readonly now?: World['now']
  /** Default: real randomness. */
  readonly randomBytes?: World['randomBytes']
}

/** A stand-in for GitHub, and what a test can see and do behind its back. */
export interface StandIn {
  readonly app: Hono
  /** Every request so far, in order. */
  readonly received: readonly ReceivedRequest[]
  /** How often `endpoint` was called so far. */
  calls(endpoint: Endpoint): number
  /** Goes wrong in this way from now on; `{}` behaves again. */
  misbehave(how: Misbehave): void
  /** Forgets every code and token, as when everybody removes the app. */
  revokeAll(): void
}

/** A server that speaks GitHub's OAuth and API dialect, as on GitHub Enterprise Server: one origin, the API under `/api/v3`. */
export function standIn(options: StandInOptions): StandIn {
  const { mode = 'oauth-app', people = samplePeople } = options
  const world: World = {
    now: options.now ?? (() => Math.floor(Date.now() / 1000)),
    randomBytes: options.randomBytes ?? ((length) => randomBytes(length)),
  }
  const records = openRecords(mode, world, options.usedRefreshTokens)
  const received: ReceivedRequest[] = []
  let how: Misbehave = {}
  const api = apiRoutes({ ...options, mode, records })
  const app = new Hono()
    .use(writeDown(received))
    .use(
      '/login/oauth/access_token',
      misbehaving('token', () => how),
    )
    .on(
      'GET',
      ['/user', '/api/v3/user'],
      misbehaving('user', () => how),
    )
    .get('/', (c) => c.html(aboutPage(people)))
    .route('/', authorizeRoutes({ ...options, people, records }))
    .route('/', accessTokenRoutes({ ...options, records }))
    .route('/', api)
    .route('/api/v3', api)
  return {
    app,
    received,
    calls: (endpoint) => received.filter((request) => request.endpoint === endpoint).length,
    misbehave(next) {
      how = next
    },
    revokeAll: () => records.revokeAll(),
  }
}
