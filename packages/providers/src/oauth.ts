import {
  type Environment,
  type Identified,
  type KnownEndpoints,
  OAuthProxy,
  type OAuthProxyOptions,
  type OAuthUpstream,
  type UpstreamCall,
  type UpstreamTraits,
  UpstreamUnavailable,
} from '@drawbridge/core'

/** An OAuth 2 upstream by its endpoints; whatever is left out is what RFC 6749 has as the default. */
export interface OAuthServer extends KnownEndpoints, Partial<UpstreamTraits> {
  /** Answers who the person is, as JSON, to the upstream's access token. Needed unless there is `identify`. */
  readonly userEndpoint?: string
  /** The member of that answer that is the person's stable id: never an e-mail address, never a login name. Default: `sub`. */
  readonly subjectMember?: string
  /** The members of that answer that tools may see. Default: those of OpenID Connect Core §5.1 that most tools want. */
  readonly claimNames?: readonly string[]
}

/** Any OAuth 2 upstream. Throws `ConfigurationError` with every problem of the options and of `server`. */
export class OAuthProvider extends OAuthProxy {
  constructor(options: OAuthProxyOptions, server: OAuthServer, environment?: Environment) {
    super(options, describeUpstream(server), environment)
  }
}

/** What a tool greets a person by, as OpenID Connect Core §5.1 names it. Anything more is asked for by name, so that no more of a person is kept than is of use. */
export const usualClaims: readonly string[] = ['name', 'preferred_username', 'email', 'email_verified', 'picture']

/** The upstream that `server` describes. What is wrong with it is in `problems`, for the `ConfigurationError` of the provider. */
export function describeUpstream(server: OAuthServer): OAuthUpstream {
  const { userEndpoint, subjectMember = 'sub', claimNames = usualClaims, ...upstream } = server
  const { authorizationEndpoint } = upstream
  return {
    name: URL.canParse(authorizationEndpoint) ? new URL(authorizationEndpoint).host : 'the upstream',
    clientAuthentication: 'client_secret_basic',
    defaultScopes: [],
    pkce: true,
    ...upstream,
    identify: upstream.identify ?? ((call) => identify(call, userEndpoint ?? '', subjectMember, claimNames)),
    problems: [...(upstream.problems ?? []), ...refuseIdentity(server)],
  }
}

function refuseIdentity({ identify, userEndpoint }: OAuthServer): string[] {
  if (identify) return []
  if (userEndpoint === undefined) return ['userEndpoint is missing, and so is identify: one of them has to say who the person is']
  return isSecure(userEndpoint) ? [] : [`userEndpoint ${userEndpoint} is not https (http is accepted on loopback only)`]
}

function isSecure(url: string): boolean {
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: '', hostname: '' }
  return protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname))
}

async function identify(call: UpstreamCall, url: string, subjectMember: string, claimNames: readonly string[]): Promise<Identified> {
  const answer = requireObject(await call.getJson(url))
  return { subject: requireSubject(answer[subjectMember]), claims: pickClaims(answer, claimNames), said: answer }
}

/** The members of a JSON object. Throws `UpstreamUnavailable` for anything else. */
export function requireObject(json: unknown): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new UpstreamUnavailable('identity_malformed')
  return { ...json }
}

/** A stable id: a string that is not empty, or a whole number. Throws `UpstreamUnavailable` for anything else. */
export function requireSubject(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  throw new UpstreamUnavailable('identity_without_subject')
}

/** A name, an address and a picture fit many times; it is kept with every grant, which has 2 KB. */
const claimLimit = 512

/** Those members of `answer` that are named, as claims for tools. What is null, or longer than 512 characters of JSON, is left out. */
export function pickClaims(answer: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(answer).filter(
      ([name, value]) => names.includes(name) && value !== null && (JSON.stringify(value)?.length ?? claimLimit + 1) <= claimLimit,
    ),
  )
}
