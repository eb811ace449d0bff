import { authorizeEndpoint } from './authorize/endpoint.ts'
import { callbackEndpoint } from './callback/endpoint.ts'
import { findClient } from './clients/find-client.ts'
import type { Config } from './config.ts'
import { consentEndpoint } from './consent/endpoint.ts'
import { showConsent } from './consent/show-consent.ts'
import { type Authenticate, authenticate } from './gate/authenticate.ts'
import { browserCookies } from './http/browser-cookies.ts'
import type { Environment } from './ports/environment.ts'
import type { Emit } from './ports/events.ts'
import type { Upstream } from './ports/upstream.ts'
import { openRecords, type Records } from './records/records.ts'
import { registerEndpoint } from './register/endpoint.ts'
import { revokeEndpoint } from './revoke/endpoint.ts'
import type { OperationalHandlers } from './routes.ts'
import { tokenEndpoint } from './token/endpoint.ts'
import { redeemCodeHandler } from './token/redeem-code.ts'
import { rotateRefreshTokenHandler } from './token/rotate-refresh-token.ts'
import { accessTokens } from './tokens/access-token.ts'
import { type GrantEnding, grantEnding } from './tokens/end-grant.ts'
import { type UpstreamHandle, upstreamHandle } from './tokens/upstream-handle.ts'
import { upstreamTokens } from './tokens/upstream-tokens.ts'
import { type VerifyAccessToken, verifyAccessToken } from './tokens/verify-access-token.ts'
import { watchGrant } from './tokens/watch-grant.ts'
import { upstreamClient } from './upstream/upstream-client.ts'

/** The house, furnished. */
export interface Wired {
  readonly records: Records
  readonly handlers: OperationalHandlers
  readonly ending: GrantEnding
  readonly verify: VerifyAccessToken
  readonly authenticate: Authenticate
  readonly upstreamOf: (grantId: string) => Promise<UpstreamHandle>
}

/** Gives every room what it declares to need. The only place that knows all of them. */
export function wire(config: Config, upstream: Upstream, environment: Environment, emit: Emit): Wired {
  const { issuer, lifetimes } = config
  const resources = config.resources.map((resource) => resource.uri)
  const records = openRecords({ ...config, environment, emit })
  const client = upstreamClient({
    upstream,
    credentials: config.upstreamClient,
    callbackUrl: `${config.baseUrl}/auth/callback`,
    environment,
  })
  const tokens = accessTokens({ ...config, environment })
  const shared = { issuer, records, upstreamClient: client, cookies: browserCookies(issuer, config.secure), environment, emit }
  const ending = grantEnding(shared)
  const keeper = upstreamTokens({ ...shared, ending })
  const watch = watchGrant({ ...shared, keeper, ending })
  const verify = verifyAccessToken({ ...config, ...shared, accessTokens: tokens, watch })
  const find = findClient(records.clients)
  const consent = { ...shared, deployment: records.deployment, serverName: config.serverName, upstreamName: upstream.name }
  const granting = {
    ...shared,
    findClient: find,
    accessTokens: tokens,
    ending,
    lifetimes,
    accessTokenLifetime: lifetimes.accessToken,
    resources,
  }
  return {
    records,
    ending,
    verify,
    authenticate: authenticate({ verify, emit }),
    upstreamOf: (grantId) => upstreamHandle({ ...shared, keeper }, grantId),
    handlers: {
      register: registerEndpoint({ ...shared, policy: config }),
      authorize: authorizeEndpoint({
        ...shared,
        findClient: find,
        policy: { ...config, resources },
        redirectSchemes: config.redirectSchemes,
        showConsent: showConsent({ ...consent, action: `${config.basePath}/consent` }),
      }),
      consent: consentEndpoint({ ...consent, origin: new URL(config.baseUrl).origin }),
      callback: callbackEndpoint({ ...shared, lifetimes, authorizeUser: config.authorizeUser }),
      token: tokenEndpoint({
        handlers: { authorization_code: redeemCodeHandler(granting), refresh_token: rotateRefreshTokenHandler({ ...granting, keeper }) },
        emit,
      }),
      revoke: revokeEndpoint({ ...shared, findClient: find, accessTokens: tokens, ending }),
    },
  }
}
