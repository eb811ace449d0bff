import {
  type Environment,
  type Identity,
  OAuthProxy,
  type OAuthProxyOptions,
  type Upstream,
  type UpstreamCall,
  UpstreamUnavailable,
} from '@drawbridge/core'

/** An OAuth 2 upstream by its endpoints; whatever is left out is what RFC 6749 has as the default. */
export interface OAuthServer
  extends Pick<Upstream, 'authorizationEndpoint' | 'tokenEndpoint'>,
    Partial<Omit<Upstream, 'authorizationEndpoint' | 'tokenEndpoint'>> {
  /** Answers who the person is, as JSON, to the upstream's access token; not needed beside `identify`. */
  readonly userEndpoint?: string
  /** The member of that answer that is the person's stable id. Default: `sub`. */
  readonly subjectMember?: string
}

/** Any OAuth 2 upstream. Throws `ConfigurationError` with every problem of the options. */
export class OAuthProvider extends OAuthProxy {
  constructor(options: OAuthProxyOptions, server: OAuthServer, environment?: Environment) {
    super(options, describeUpstream(server), environment)
  }
}

/** The upstream that `server` describes. */
export function describeUpstream({ userEndpoint, subjectMember = 'sub', ...server }: OAuthServer): Upstream {
  return {
    name: new URL(server.authorizationEndpoint).host,
    clientAuthentication: 'client_secret_basic',
    defaultScopes: [],
    pkce: true,
    identify: (call) => identify(call, userEndpoint, subjectMember),
    ...server,
  }
}

async function identify(call: UpstreamCall, userEndpoint: string | undefined, subjectMember: string): Promise<Identity> {
  if (userEndpoint === undefined) throw new TypeError('This OAuthServer has neither identify nor userEndpoint.')
  const claims = requireObject(await call.getJson(userEndpoint))
  return { subject: requireSubject(claims[subjectMember]), claims }
}

/** The members of a JSON object. Throws `UpstreamUnavailable` for anything else. */
export function requireObject(json: unknown): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new UpstreamUnavailable('identity_malformed')
  return { ...json }
}

/** A stable id: a string that is not empty, or a number. Throws `UpstreamUnavailable` for anything else. */
export function requireSubject(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  throw new UpstreamUnavailable('identity_without_subject')
}
