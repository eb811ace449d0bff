import type { AuthorizeUser } from '../callback/open-grant.ts'
import type { Upstream } from '../ports/upstream.ts'
import { isScope, narrowScopes } from '../protocol/scope.ts'
import type { ExpandScopes } from '../protocol/scope-hierarchy.ts'
import type { UpstreamEntry } from '../upstream/upstreams.ts'
import type { OAuthProxyOptions, ProviderOptions, SeveralUpstreams, UpstreamClientOption } from './options.ts'
import { dealWith } from './parse-upstream.ts'
import { refuseUpstreamClient } from './refuse-options.ts'

/** An upstream, and who of its people may come. */
export interface ProviderEntry extends UpstreamEntry {
  readonly authorizeUser: AuthorizeUser
}

/** The upstreams of the options; the first is that of records which name none. */
export type Providers = readonly [ProviderEntry, ...ProviderEntry[]]

/** Whether there is more than one way to say where people sign in: then clients' scopes are ours, and none of an upstream's. */
export function isSeveral(upstream: Upstream | SeveralUpstreams): upstream is SeveralUpstreams {
  return 'providers' in upstream
}

/** Parses the upstreams; adds to `problems` what is wrong with them. Undefined when there is none, which is a problem too. */
export function parseProviders(
  options: OAuthProxyOptions,
  upstream: Upstream | SeveralUpstreams,
  expandScopes: ExpandScopes,
  problems: string[],
): Providers | undefined {
  const everyone = options.upstream?.authorizeUser ?? (() => true)
  if (!isSeveral(upstream)) {
    const { clientId, clientSecret, upstream: dealing = {} } = options
    problems.push(...refuseUpstreamClient({ ...dealing, clientId, ...(clientSecret !== undefined && { clientSecret }) }, upstream))
    return problems.length > 0
      ? undefined
      : [{ ...dealWith(upstream, dealing), credentials: credentialsOf(options), authorizeUser: everyone }]
  }
  problems.push(...refuseTopLevel(options), ...refuseSeveral(upstream.providers))
  if (problems.length > 0) return undefined
  const [first, ...others] = Object.entries(upstream.providers).map(([key, provider]) => entryOf(key, provider, everyone, expandScopes))
  return first && [first, ...others]
}

function entryOf(key: string, provider: ProviderOptions, everyone: AuthorizeUser, expandScopes: ExpandScopes): ProviderEntry {
  const { upstream, scopes = upstream.defaultScopes, authorizeUser } = provider
  return {
    ...dealWith(upstream, provider),
    credentials: credentialsOf(provider),
    among: { key, scopes },
    authorizeUser: authorizeUser ? bothAgree(everyone, authorizeUser, expandScopes) : everyone,
  }
}

function credentialsOf({ clientId, clientSecret }: Pick<OAuthProxyOptions, UpstreamClientOption>): ProviderEntry['credentials'] {
  return { clientId, ...(clientSecret !== undefined && { clientSecret }) }
}

/** Whoever one of them refuses is refused, and what one of them takes is taken. */
function bothAgree(one: AuthorizeUser, other: AuthorizeUser, expandScopes: ExpandScopes): AuthorizeUser {
  return async (...asked) => {
    const first = await one(...asked)
    // What is neither a yes nor a list is a no, and the other is not asked.
    if (first !== true && !Array.isArray(first)) return false
    const second = await other(...asked)
    if (first === true || (second !== true && !Array.isArray(second))) return second
    return second === true ? first : narrowScopes(expandScopes(first), expandScopes(second))
  }
}

const oneClient: readonly UpstreamClientOption[] = ['clientId', 'clientSecret']

const oneDealing = ['clientAssertion', 'claims', 'authorizeParameters', 'tokenParameters'] as const

function refuseTopLevel(options: OAuthProxyOptions): string[] {
  const { upstream = {} } = options
  const dealing = oneDealing.filter((name) => upstream[name] !== undefined)
  return [
    ...dealing.map((name) => `upstream.${name} is of one provider: providers: { github: { ${name} } }`),
    ...refuseTopLevelClient(options),
  ]
}

function refuseTopLevelClient(options: OAuthProxyOptions): string[] {
  return oneClient.flatMap((name) => (options[name] ? [`${name} is of one provider: providers: { github: { ${name} } }`] : []))
}

function refuseSeveral(providers: unknown): string[] {
  if (!isObject(providers) || Object.keys(providers).length === 0)
    return ['providers is missing: { github: { upstream: github(), clientId, clientSecret } }, in the order in which people see them']
  const problems = Object.entries(providers).flatMap(([key, provider]) => [
    ...refuseKey(key),
    ...refuseProvider(provider).map((problem) => `providers.${key}: ${problem}`),
  ])
  return [...problems, ...refuseNamesakes(providers)]
}

// It is in the URL of a callback, in subjects and in events; and an object puts whole numbers first, whatever was written first.
function refuseKey(key: string): string[] {
  return /^(?=.*[a-z-])[a-z0-9-]{1,32}$/.test(key) ? [] : [`providers.${key}: a key has 1 to 32 of a-z, 0-9 and -, and not digits alone`]
}

const members: Readonly<Record<keyof Required<ProviderOptions>, true>> = {
  upstream: true,
  clientId: true,
  clientSecret: true,
  scopes: true,
  authorizeUser: true,
  clientAssertion: true,
  claims: true,
  authorizeParameters: true,
  tokenParameters: true,
}

function refuseProvider(provider: unknown): string[] {
  if (!isEntry(provider)) return ['there is no upstream: { upstream: github(), clientId, clientSecret }']
  const unknown = Object.keys(provider).filter((member) => !Object.hasOwn(members, member))
  const { upstream, scopes, authorizeUser } = provider
  const problems = unknown.map((member) => `${member} is no option: there are ${Object.keys(members).join(', ')}`)
  problems.push(...refuseUpstreamClient(provider, upstream))
  if (scopes !== undefined && !(Array.isArray(scopes) && scopes.every(isScopeText))) problems.push('scopes is not a list of scopes')
  if (authorizeUser !== undefined && typeof authorizeUser !== 'function') problems.push('authorizeUser is not a function')
  return problems
}

// Two buttons with one name are one too many for whoever has to choose.
function refuseNamesakes(providers: object): string[] {
  const names = Object.values(providers).flatMap((provider: unknown) => (isEntry(provider) ? [provider.upstream.name] : []))
  const twice = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
  return twice.map((name) => `providers: several are called ${name}, which people cannot tell apart: { ...github(), name: 'Another name' }`)
}

function isScopeText(scope: unknown): boolean {
  return typeof scope === 'string' && isScope(scope)
}

function isEntry(provider: unknown): provider is ProviderOptions {
  return isObject(provider) && 'upstream' in provider && isObject(provider.upstream)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
