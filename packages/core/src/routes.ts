import type { Config } from './config/config.ts'
import type { AuthorizationServerMetadata } from './discovery/authorization-server.ts'
import { type DocumentEndpointNeeds, documentEndpoint } from './discovery/endpoint.ts'
import { forwardMetadataEndpoint } from './discovery/forward-metadata.ts'
import { type ProtectedResourceNeeds, protectedResourceMetadata } from './discovery/protected-resource.ts'
import type { Handler } from './http/endpoint.ts'
import type { Resource } from './protocol/public-url.ts'

/** An endpoint, as data, for any framework: all methods of a path share one handler. */
export interface Route {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS'
  readonly path: string
  readonly handler: Handler
}

/** The endpoints that do something, by their path below `baseUrl`. */
export interface OperationalHandlers {
  readonly authorize: Handler
  readonly push: Handler
  readonly consent: Handler
  /** One for each upstream. */
  readonly callbacks: readonly { readonly path: string; readonly handler: Handler }[]
  /** Absent where registration is closed. */
  readonly register: Handler | undefined
  /** Absent where clients cannot change what they registered. */
  readonly clientConfiguration: Handler | undefined
  readonly token: Handler
  readonly revoke: Handler
  /** Absent where there are no resource servers elsewhere. */
  readonly introspect: Handler | undefined
  readonly deviceAuthorization: Handler
  readonly device: Handler
  readonly deviceDone: Handler
}

const documentMethods = ['GET', 'HEAD', 'OPTIONS'] as const

/** What the documents are made from. */
export interface RouteNeeds extends DocumentEndpointNeeds {
  readonly config: Config
  readonly oauthMetadata: AuthorizationServerMetadata
}

/** The routes below the mount: paths are relative to it. */
export function operationalRoutes({ config, oauthMetadata, ...needs }: RouteNeeds, handlers: OperationalHandlers): Route[] {
  const keys = config.signingKeys.flatMap((key) => key.publicJwk ?? [])
  const document = documentEndpoint(oauthMetadata, needs)
  // OIDC appends its document to an issuer with a path; where that is our mount, it belongs to us (RFC 8414 §5).
  const appended = config.issuerPath !== '' && config.issuer === config.baseUrl
  return [
    ...at('/authorize', handlers.authorize, ['GET']),
    ...(config.pushedRequests ? at('/par', handlers.push, ['POST', 'OPTIONS']) : []),
    ...at('/consent', handlers.consent, ['POST']),
    ...handlers.callbacks.flatMap(({ path, handler }) => at(path, handler, ['GET'])),
    ...at('/register', handlers.register, ['POST', 'OPTIONS']),
    ...at('/register/client', handlers.clientConfiguration, ['GET', 'PUT', 'DELETE', 'OPTIONS']),
    ...at('/token', handlers.token, ['POST', 'OPTIONS']),
    ...at('/revoke', handlers.revoke, ['POST', 'OPTIONS']),
    ...at('/introspect', handlers.introspect, ['POST', 'OPTIONS']),
    ...(config.deviceGrant ? deviceRoutes(handlers) : []),
    ...at('/.well-known/jwks.json', documentEndpoint({ keys }, needs), documentMethods),
    ...(appended ? at('/.well-known/openid-configuration', document, documentMethods) : []),
  ]
}

function deviceRoutes({ deviceAuthorization, device, deviceDone }: OperationalHandlers): Route[] {
  return [
    ...at('/device_authorization', deviceAuthorization, ['POST', 'OPTIONS']),
    ...at('/device', device, ['GET', 'POST']),
    ...at('/device/done', deviceDone, ['GET']),
  ]
}

/** The routes at the origin's root: both forms of the authorization server's document (RFC 8414 §3.1, §5), and a resource's (RFC 9728 §3.1). */
export function wellKnownRoutes({ config, oauthMetadata, ...needs }: RouteNeeds, resources: readonly Resource[]): Route[] {
  const document = documentEndpoint(oauthMetadata, needs)
  // Issuers with a path are found by inserting it; the plain path is for clients of 2025-03-26, which drop it (spec row R2).
  const paths = new Set(['', config.issuerPath])
  const appended =
    config.issuerPath !== '' && config.issuer !== config.baseUrl ? [`${config.issuerPath}/.well-known/openid-configuration`] : []
  return [
    ...[...paths].flatMap((path) => at(`/.well-known/oauth-authorization-server${path}`, document, documentMethods)),
    ...[...paths].flatMap((path) => at(`/.well-known/openid-configuration${path}`, document, documentMethods)),
    ...appended.flatMap((path) => at(path, document, documentMethods)),
    ...resources.flatMap((resource) => resourceRoutes({ ...config, authorizationServers: [config.issuer] }, resource, needs)),
  ].filter((route, index, all) => all.findIndex((other) => other.path === route.path && other.method === route.method) === index)
}

/** The routes of one resource's document, which `server` is described by (RFC 9728 §3.1). */
export function resourceRoutes(
  server: Omit<ProtectedResourceNeeds, 'resource'> & { readonly resources: readonly Resource[] },
  resource: Resource,
  needs: DocumentEndpointNeeds,
): Route[] {
  const handler = documentEndpoint(protectedResourceMetadata({ ...server, resource: resource.uri }), needs)
  // The plain path too where there is only one resource: some clients look nowhere else.
  const plain = server.resources.length === 1 ? at('/.well-known/oauth-protected-resource', handler, documentMethods) : []
  return [...at(resource.metadataPath, handler, documentMethods), ...plain]
}

/** Where clients of 2025-03-26 look for the authorization server of an MCP server: at the root of its origin, or below it by its path (RFC 8414 §3.1). */
export function forwardedRoutes(
  {
    basePath,
    authorizationServers: [issuer],
  }: { readonly basePath: string; readonly authorizationServers: readonly [string, ...string[]] },
  needs: DocumentEndpointNeeds,
): Route[] {
  const handler = forwardMetadataEndpoint(issuer, needs)
  return [...new Set(['', basePath])].flatMap((path) => at(`/.well-known/oauth-authorization-server${path}`, handler, documentMethods))
}

function at(path: string, handler: Handler | undefined, methods: readonly Route['method'][]): Route[] {
  return handler === undefined ? [] : methods.map((method) => ({ method, path, handler }))
}
