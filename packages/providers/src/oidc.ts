import {
  type Environment,
  OAuthProxy,
  type OAuthProxyOptions,
  type OpenId,
  type OpenIdUpstream,
  type UpstreamCall,
  UpstreamRefused,
  type UpstreamRevocation,
  type UpstreamTraits,
  UpstreamUnavailable,
} from '@drawbridge/core'
import { pickClaims, requireObject, requireSubject, usualClaims } from './oauth.ts'

/** An OpenID provider by its issuer; its document says the rest. */
export interface OidcServer extends OpenId, Partial<UpstreamTraits> {
  /** Whether the userinfo endpoint is asked too, where the document names one. Default: true, since many put less into the ID token. */
  readonly userinfo?: boolean
  /** Where the document does not say how tokens are ended; `never` where what it says ends more than the tokens of one login. */
  readonly revocation?: UpstreamRevocation | 'never'
  /** The person's stable id among the claims: never an e-mail address, never a login name. Default: `sub`. */
  readonly subjectOf?: (claims: Readonly<Record<string, unknown>>) => string
  /** The claims that tools may see. Default: those that most tools want. */
  readonly claimNames?: readonly string[]
}

/**
 * Any OpenID provider, by discovery: its ID token says who signed in, and userinfo what else. The document is read when it is first needed; a provider that is
 * down stops no start. `server` is its issuer and what is odd about it, or what {@link describeOidc} made of that. Throws `ConfigurationError` with every problem of
 * the options and of `server`.
 */
export class OidcProvider extends OAuthProxy {
  constructor(options: OAuthProxyOptions, server: OidcServer | OpenIdUpstream, environment?: Environment) {
    super(options, 'openId' in server ? server : describeOidc(server), environment)
  }
}

/** The upstream that `server` describes (OpenID Connect Discovery, Core §3.1). */
export function describeOidc(server: OidcServer): OpenIdUpstream {
  const { issuer, discoveryUrl, documentIssuer, issuerOf, userinfo = true, subjectOf = bySub, claimNames = usualClaims, ...traits } = server
  return {
    name: URL.canParse(issuer) ? new URL(issuer).host : 'the upstream',
    clientAuthentication: 'client_secret_basic',
    defaultScopes: ['openid', 'profile', 'email'],
    pkce: true,
    openId: {
      issuer,
      ...(discoveryUrl !== undefined && { discoveryUrl }),
      ...(documentIssuer !== undefined && { documentIssuer }),
      ...(issuerOf !== undefined && { issuerOf }),
    },
    async identify(call) {
      // Whom nobody can be asked about again is who they were at the login. An upstream that says nothing is not one that is away.
      if (call.known && !isAskedAgain(call, userinfo)) return call.known
      const said = await claimsOf(call, userinfo)
      return { subject: subjectOf(said), claims: { ...call.known?.claims, ...pickClaims(said, claimNames) }, said }
    },
    ...traits,
  }
}

/**
 * What an OpenID provider says of the person: the claims of the ID token, and those of userinfo over them, which has to be about the same person (OpenID Connect
 * Core §5.3.2). Later than the login there is no ID token.
 */
export async function claimsOf(call: UpstreamCall, userinfo: boolean): Promise<Readonly<Record<string, unknown>>> {
  const idToken = call.login?.idToken
  const { userinfoEndpoint } = call.endpoints
  if (!userinfo || userinfoEndpoint === undefined) {
    if (!idToken) throw new UpstreamUnavailable('identity_not_told_again')
    return idToken
  }
  const answer = requireObject(await call.getJson(userinfoEndpoint))
  if (idToken && requireSubject(answer.sub) !== requireSubject(idToken.sub)) throw new UpstreamRefused('userinfo_of_another_person')
  return { ...idToken, ...answer }
}

function isAskedAgain({ endpoints }: UpstreamCall, userinfo: boolean): boolean {
  return userinfo && endpoints.userinfoEndpoint !== undefined
}

function bySub({ sub }: Readonly<Record<string, unknown>>): string {
  return requireSubject(sub)
}
