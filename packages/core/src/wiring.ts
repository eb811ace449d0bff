import { authorizeEndpoint } from './authorize/endpoint.ts'
import type { InitialAccessTokens } from './clients/initial-access-tokens.ts'
import type { Config } from './config/config.ts'
import { askConsent } from './consent/ask-consent.ts'
import { consentEndpoint } from './consent/endpoint.ts'
import { type Authenticate, authenticate } from './gate/authenticate.ts'
import { requireScopes, type ScopeChallengeHandler } from './gate/require-scopes.ts'
import { type BrowserCookies, browserCookies } from './http/browser-cookies.ts'
import { type Limiter, openLimiter, windowLimit } from './http/rate-limit.ts'
import { introspectEndpoint } from './introspect/endpoint.ts'
import type { Environment } from './ports/environment.ts'
import type { Emit } from './ports/events.ts'
import { pushEndpoint } from './push/endpoint.ts'
import { openRecords, type Records } from './records/records.ts'
import { clientConfigurationEndpoint } from './register/client-configuration.ts'
import { registerEndpoint } from './register/endpoint.ts'
import { revokeEndpoint } from './revoke/endpoint.ts'
import type { OperationalHandlers } from './routes.ts'
import { tokenEndpoint } from './token/endpoint.ts'
import { type AccessTokens, accessTokens } from './tokens/access-token.ts'
import { type DpopProofs, dpopProofs } from './tokens/dpop-proofs.ts'
import { type GrantEnding, grantEnding } from './tokens/end-grant.ts'
import { type UpstreamHandle, upstreamHandle } from './tokens/upstream-handle.ts'
import { type UpstreamTokensKeeper, upstreamTokens } from './tokens/upstream-tokens.ts'
import { type VerifyAccessToken, verifyAccessToken } from './tokens/verify-access-token.ts'
import { watchGrant } from './tokens/watch-grant.ts'
import { openUpstreams, type Upstreams } from './upstream/upstreams.ts'
import { wireCallbacks } from './wire-callbacks.ts'
import { type Clients, wireClients } from './wire-clients.ts'
import { wireDevice } from './wire-device.ts'
import { grantHandlers } from './wire-grants.ts'
import { wireHooks } from './wire-hooks.ts'

/** The house, furnished. */
export interface Wired {
  readonly records: Records
  readonly handlers: OperationalHandlers
  readonly ending: GrantEnding
  readonly initialAccessTokens: InitialAccessTokens
  readonly verify: VerifyAccessToken
  readonly authenticate: Authenticate
  readonly requireScopes: (scopes: readonly string[]) => ScopeChallengeHandler
  readonly upstreamOf: (grantId: string) => Promise<UpstreamHandle>
  /** Begins to find out where the upstream is. */
  readonly prepare: () => void
}

/** Gives every room what it declares to need. The only place that knows all of them. */
export function wire(options: Config, environment: Environment, emit: Emit): Wired {
  const config = { ...options, ...wireHooks(options, environment) }
  const domain = furnish(config, environment, emit)
  const { records, ending, initialAccessTokens } = domain
  return {
    records,
    ending,
    initialAccessTokens,
    verify: domain.verify,
    authenticate: authenticate({ ...config, ...domain }),
    requireScopes: (scopes) => requireScopes({ ...config, emit }, scopes),
    upstreamOf: (grantId) => upstreamHandle(domain, grantId),
    prepare() {
      for (const { client } of domain.upstreams.listed) client.prepare()
    },
    handlers: openRooms(config, domain),
  }
}

/** What the rooms share: everything below them. */
interface Domain extends Clients {
  readonly issuer: string
  readonly records: Records
  readonly upstreams: Upstreams
  readonly clientOf: Upstreams['clientOf']
  readonly cookies: BrowserCookies
  readonly accessTokens: AccessTokens
  readonly ending: GrantEnding
  readonly keeper: UpstreamTokensKeeper
  readonly verify: VerifyAccessToken
  readonly proofs: DpopProofs | undefined
  readonly limiter: Limiter
  readonly environment: Environment
  readonly emit: Emit
}

function furnish(config: Config, environment: Environment, emit: Emit): Domain {
  const { issuer } = config
  const records = openRecords({ ...config, environment, emit })
  const upstreams = openUpstreams(config.providers, { ...config, environment, emit })
  const { clientOf } = upstreams
  const shared = { issuer, records, upstreams, clientOf, cookies: browserCookies(issuer, config.secure), environment, emit }
  const limiter = openLimiter(config.rateLimit ?? windowLimit(environment), config.trustedProxies, environment)
  const tokens = accessTokens({ ...config, environment })
  const ending = grantEnding(shared)
  const keeper = upstreamTokens({ ...shared, ending })
  const watch = watchGrant({ ...shared, keeper, ending })
  const verify = verifyAccessToken({ ...config, ...shared, accessTokens: tokens, watch })
  const proofs = config.dpop && dpopProofs({ ...shared, dpop: config.dpop })
  const clients = wireClients(config, { ...shared, limiter })
  return { ...shared, ...clients, accessTokens: tokens, ending, keeper, verify, proofs, limiter }
}

function openRooms(config: Config, domain: Domain): OperationalHandlers {
  const { lifetimes, serverName, basePath } = config
  const elsewhere = [...config.resourceServers.values()].map((server) => server.resource)
  const resources = [...config.resources.map((resource) => resource.uri), ...elsewhere]
  const consent = { ...domain, serverName }
  const asking = { ...domain, policy: { ...config, resources } }
  const ask = { ...consent, action: `${basePath}/consent` }
  const granting = { ...config, ...domain, lifetimes, accessTokenLifetime: lifetimes.accessToken, resources }
  return {
    ...openRegistration(config, domain),
    push: pushEndpoint({ ...asking, url: `${config.baseUrl}/par` }),
    authorize: authorizeEndpoint({
      ...asking,
      pushedRequests: config.pushedRequests,
      registrationIsOpen: config.registration.isOpen,
      findClient: domain.findCurrentClient,
      askConsent: askConsent({ ...config, ...ask }),
    }),
    consent: consentEndpoint({ ...consent, origin: config.origin }),
    callbacks: wireCallbacks(config, domain),
    token: tokenEndpoint({ ...domain, url: `${config.baseUrl}/token`, handlers: grantHandlers(config, granting) }),
    revoke: revokeEndpoint(domain),
    introspect: config.resourceServers.size > 0 ? introspectEndpoint({ ...config, ...domain }) : undefined,
    ...wireDevice(config, { ...asking, ...ask }),
  }
}

function openRegistration(config: Config, domain: Domain): Pick<OperationalHandlers, 'register' | 'clientConfiguration'> {
  const { isOpen, initialAccessToken, managed } = config.registration
  const needs = { ...domain, baseUrl: config.baseUrl, policy: config }
  const initialAccessTokens = initialAccessToken ? domain.initialAccessTokens : undefined
  return {
    register: isOpen ? registerEndpoint({ ...needs, managed, initialAccessTokens }) : undefined,
    clientConfiguration: managed ? clientConfigurationEndpoint(needs) : undefined,
  }
}
