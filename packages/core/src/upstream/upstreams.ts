import type { Environment } from '../ports/environment.ts'
import { byProvider, type Emit } from '../ports/events.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { Identity, Upstream, UpstreamClientCredentials } from '../ports/upstream.ts'
import { type ExpandScopes, expandScopes } from '../protocol/scope-hierarchy.ts'
import { subjectOfProvider } from '../protocol/subject.ts'
import type { UpstreamClient } from './calls.ts'
import { type ClientAssertionSource, clientAssertion } from './client-assertion.ts'
import type { ClaimsMap } from './map-claims.ts'
import { upstreamClient } from './upstream-client.ts'

/** An upstream as the options have it. Where it is the only one it has no key, and is asked for what the client asks for. */
export interface UpstreamEntry {
  readonly upstream: Upstream
  readonly credentials: UpstreamClientCredentials
  /** What proves us there in place of a secret. */
  readonly clientAssertion?: ClientAssertionSource
  /** The operator's own claims. */
  readonly claims?: ClaimsMap
  /** Names its provider, where there are several, and what it is asked for then. */
  readonly among?: { readonly key: string; readonly scopes: readonly string[] }
}

/** One of the upstreams of this server. */
export interface ListedUpstream {
  /** The key of its provider; absent where there is one upstream alone, and for what was begun while there was. */
  readonly provider?: string
  /** For people. */
  readonly name: string
  /** Where it sends people back, below `baseUrl`: a path of its own, so that no other upstream's answer comes there (RFC 9700 §4.4.2.2; threat T11). */
  readonly callbackPath: string
  readonly client: UpstreamClient
  /** Whether an answer with this `iss` is another server's (RFC 9207 §2.4). */
  isForeign(iss: string): boolean
}

/** Finds the upstream client for what names this provider; undefined where no such provider is listed any more. */
export type UpstreamClientOf<Call extends keyof UpstreamClient> = (provider: string | undefined) => Pick<UpstreamClient, Call> | undefined

/** The upstreams of this server, in the order of the options. */
export interface Upstreams {
  readonly listed: readonly [ListedUpstream, ...ListedUpstream[]]
  /**
   * The upstream of a record that names `provider`. One that names none was written while there was one upstream, which is the first: its people keep
   * the subjects they have. Undefined for a provider that is not listed: nothing of it may go to another upstream.
   */
  of(provider: string | undefined): ListedUpstream | undefined
  readonly clientOf: UpstreamClientOf<keyof UpstreamClient>
}

/** What opening them needs. */
export interface UpstreamsNeeds {
  readonly baseUrl: string
  readonly requiredScopes: readonly string[]
  readonly expandScopes: ExpandScopes
  readonly telemetry?: Telemetry | undefined
  readonly environment: Environment
  readonly emit: Emit
}

/** Opens an upstream client for each entry. */
export function openUpstreams(entries: readonly [UpstreamEntry, ...UpstreamEntry[]], needs: UpstreamsNeeds): Upstreams {
  const open = (entry: UpstreamEntry): Opened => openUpstream(entry, entries, needs)
  const [first, ...others] = entries
  const [alone, ...rest] = [open(first), ...others.map(open)]
  const listed = [alone.named, ...rest.map(({ named }) => named)] as const
  const of: Upstreams['of'] = (provider) =>
    provider === undefined ? alone.unnamed : listed.find((upstream) => upstream.provider === provider)
  return { listed, of, clientOf: (provider) => of(provider)?.client }
}

/** An upstream for what names its provider, and for what names none. */
interface Opened {
  readonly named: ListedUpstream
  readonly unnamed: ListedUpstream
}

function openUpstream(entry: UpstreamEntry, entries: readonly UpstreamEntry[], needs: UpstreamsNeeds): Opened {
  const { upstream, among } = entry
  const callbackPath = among ? `/auth/callback/${among.key}` : '/auth/callback'
  const emit: Emit = (event) => needs.emit({ ...event, ...byProvider(among?.key) })
  // Of several, each has scopes of its own, and the clients have ours.
  const scoped = among && { requiredScopes: among.scopes, expandScopes: expandScopes(upstream.includedScopes ?? {}) }
  const credentials = credentialsOf(entry, needs.environment)
  const callbackUrl = `${needs.baseUrl}${callbackPath}`
  const client = upstreamClient({ ...needs, ...scoped, ...entry, credentials, callbackUrl, provider: among?.key, emit })
  const isForeign = foreignIssuers(upstream, entries)
  const unnamed = { name: upstream.name, callbackPath, client: clientAlone(client), isForeign }
  return { unnamed, named: among ? { ...unnamed, provider: among.key, client: clientAmong(client, among) } : unnamed }
}

// An upstream that names no issuer sends none of its own; one of ours that is another's betrays a mix-up all the same.
function foreignIssuers(upstream: Upstream, entries: readonly UpstreamEntry[]): ListedUpstream['isForeign'] {
  // One with an issuer for each tenant cannot be held to a name beforehand, and another entry may be of one of them; its ID token is held to it.
  if (upstream.openId?.issuerOf) return () => false
  const issuer = issuerOf(upstream)
  const others = entries.flatMap((entry) => issuerOf(entry.upstream) ?? [])
  return (iss) => (issuer === undefined ? others.includes(iss) : iss !== issuer)
}

function issuerOf(upstream: Upstream): string | undefined {
  return upstream.openId ? upstream.openId.issuer : upstream.issuer
}

function credentialsOf({ credentials, clientAssertion: source }: UpstreamEntry, environment: Environment): UpstreamClientCredentials {
  const { clientId } = credentials
  return source ? { clientId, clientAssertion: clientAssertion(source, clientId, environment) } : credentials
}

// What names a provider is ours to say: a record that named one which is not listed would be of nobody's.
function clientAlone(client: UpstreamClient): UpstreamClient {
  return {
    ...client,
    async identify(...call) {
      const { provider: _, ...identity } = await client.identify(...call)
      return identity
    },
  }
}

/** The client of one of several upstreams: it asks for the scopes of its entry, and the people it names are of its provider. */
function clientAmong(client: UpstreamClient, { key, scopes }: NonNullable<UpstreamEntry['among']>): UpstreamClient {
  return {
    ...client,
    authorizationUrl: (state, verifier, asked) => client.authorizationUrl(state, verifier, { ...asked, scopes }),
    async exchangeCode(parameters, state, verifier, asked) {
      const { tokens, evidence } = await client.exchangeCode(parameters, state, verifier, { ...asked, scopes })
      return { tokens: { ...tokens, scopes: tokens.scopes ?? scopes }, evidence }
    },
    async identify(accessToken, by) {
      const identity = await client.identify(accessToken, 'known' in by ? { known: asToldBy(key, by.known) } : by)
      return { ...identity, subject: subjectOfProvider(key, identity.subject), provider: key }
    },
  }
}

// What a provider is reminded of is what it said, and not what we made of it.
function asToldBy(key: string, { provider: _, subject, ...identity }: Identity): Identity {
  return { ...identity, subject: subject.slice(subjectOfProvider(key, '').length) }
}
