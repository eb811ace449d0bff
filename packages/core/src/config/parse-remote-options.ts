import { harmlessTelemetry } from '../ports/harmless-telemetry.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { TokenVerifier } from '../ports/token-verifier.ts'
import { ConfigurationError } from '../protocol/errors.ts'
import { isSecureUrl, parseMcpPaths, parsePublicUrl, type Resource } from '../protocol/public-url.ts'
import { isScope } from '../protocol/scope.ts'
import { type ExpandScopes, expandScopes, findScopeCycle } from '../protocol/scope-hierarchy.ts'
import { listOf, refuseObservability } from './refuse-options.ts'
import type { RemoteAuthOptions } from './remote-options.ts'
import { refuseIn } from './require-known-members.ts'

/** The options of a resource server, parsed once. */
export interface RemoteConfig {
  readonly baseUrl: string
  readonly basePath: string
  readonly origin: string
  readonly resources: readonly [Resource, ...Resource[]]
  readonly authorizationServers: readonly [string, ...string[]]
  readonly verifier: TokenVerifier
  readonly requiredScopes: readonly string[]
  readonly expandScopes: ExpandScopes
  readonly serverName: string
  readonly forwardMetadata: boolean
  readonly requestIdHeader: string | undefined
  readonly telemetry: Telemetry | undefined
}

/** Parses the options of a resource server. Throws one `ConfigurationError` that lists every problem. */
export function parseRemoteOptions(options: RemoteAuthOptions): RemoteConfig {
  const problems = refuseIn('observability', options.observability, { requestIdHeader: true, telemetry: true })
  const base = parsePublicUrl('baseUrl', options.baseUrl, problems)
  const [resource, ...resources] = parseMcpPaths(options.mcpPath ?? '/mcp', base, problems)
  const [server, ...servers] = [options.authorizationServers].flat()
  problems.push(...refuseServers([server, ...servers]), ...refuseScopes(options), ...refuseOthers(options))
  if (problems.length === 0) problems.push(...refuseObservability(options))
  if (problems.length > 0 || !resource || server === undefined) throw new ConfigurationError(problems)
  const { verifier, requiredScopes = [], includedScopes = {}, observability: { requestIdHeader, telemetry } = {} } = options
  return Object.freeze({
    baseUrl: base.url,
    basePath: base.path,
    origin: base.url.slice(0, base.url.length - base.path.length),
    resources: [resource, ...resources] as const,
    authorizationServers: [server, ...servers] as const,
    verifier,
    requiredScopes,
    expandScopes: expandScopes(includedScopes),
    serverName: options.serverName ?? new URL(base.url).host,
    forwardMetadata: options.forwardMetadata ?? false,
    requestIdHeader,
    telemetry: telemetry && harmlessTelemetry(telemetry({ issuer: base.url })),
  })
}

// Without a query or a fragment (RFC 8414 §2); otherwise as it is, for clients compare it.
function refuseServers(servers: readonly unknown[]): string[] {
  const bad = servers.filter((server) => !isSecureUrl(server) || String(server).includes('?'))
  return bad.map((server) =>
    server === undefined
      ? 'authorizationServers lists none: the issuer whose tokens this server takes'
      : `the authorization server ${JSON.stringify(server)} is not an https URL without a query (http is accepted on loopback only)`,
  )
}

function refuseScopes({ requiredScopes, includedScopes = {} }: RemoteAuthOptions): string[] {
  const tables = Object.entries(includedScopes)
  if (requiredScopes !== undefined && !listOf(requiredScopes)) return ['requiredScopes is not a list']
  if (tables.some(([, below]) => !Array.isArray(below))) return ['includedScopes has a scope without a list']
  const cycle = findScopeCycle(includedScopes)
  const bad = [...new Set([...(requiredScopes ?? []), ...tables.flat(2)])].filter((scope) => !isScope(scope))
  return [
    ...(cycle === undefined ? [] : [`includedScopes lets ${JSON.stringify(cycle)} include itself, directly or by way of others`]),
    ...bad.map((scope) => `the scope ${JSON.stringify(scope)} has characters that RFC 6749 does not allow`),
  ]
}

function refuseOthers({ verifier, forwardMetadata }: RemoteAuthOptions): string[] {
  return [
    ...(typeof verifier?.verify === 'function' ? [] : ['verifier is missing: new JwtVerifier({ issuer }), for instance']),
    ...(forwardMetadata === undefined || typeof forwardMetadata === 'boolean' ? [] : ['forwardMetadata is neither true nor false']),
  ]
}
