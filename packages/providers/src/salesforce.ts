import {
  type Environment,
  type Identified,
  type OAuthProxyOptions,
  type OAuthUpstream,
  type Seconds,
  type UpstreamCall,
  UpstreamRefused,
  UpstreamUnavailable,
} from '@drawbridge/core'
import { membersOf } from './internal/members-of.ts'
import { describeUpstream, OAuthProvider, pickClaims, requireObject, requireSubject } from './oauth.ts'

/** Where people sign in, and for how long. */
export interface SalesforceOptions {
  /** `https://test.salesforce.com` for sandboxes, `https://example.my.salesforce.com` for one org. Default: `https://login.salesforce.com`, every production org. */
  readonly serverUrl?: string
  /** How long an access token lives, which Salesforce does not say: the least Timeout Value of the org and of its profiles (Setup, Session Settings). Default: 900, the least that can be set. */
  readonly tokenLifetime?: Seconds
}

/** The options of {@link SalesforceProvider}. */
export interface SalesforceProviderOptions extends OAuthProxyOptions, SalesforceOptions {}

/** Salesforce. Throws `ConfigurationError` with every problem of the options. */
export class SalesforceProvider extends OAuthProvider {
  constructor({ serverUrl, tokenLifetime, ...options }: SalesforceProviderOptions, environment?: Environment) {
    const server = { ...(serverUrl !== undefined && { serverUrl }), ...(tokenLifetime !== undefined && { tokenLifetime }) }
    super(options, salesforce(server), environment)
  }
}

/**
 * Salesforce as an upstream.
 * @see https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_web_server_flow.htm
 * @see https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_flow_errors.htm
 */
export function salesforce({ serverUrl = 'https://login.salesforce.com', tokenLifetime = 900 }: SalesforceOptions = {}): OAuthUpstream {
  const server = serverUrl.replace(/\/$/, '')
  return describeUpstream({
    name: 'Salesforce',
    authorizationEndpoint: `${server}/services/oauth2/authorize`,
    tokenEndpoint: `${server}/services/oauth2/token`,
    revocation: { endpoint: `${server}/services/oauth2/revoke` },
    clientAuthentication: 'client_secret_post',
    defaultScopes: ['openid', 'profile', 'email'],
    scopes: { always: ['refresh_token'] },
    includedScopes: { id: ['profile', 'email', 'address', 'phone'] },
    assumedLifetime: tokenLifetime,
    quirks: { missingTokenType: true },
    errorNames: {
      inactive_user: 'invalid_grant',
      inactive_org: 'invalid_grant',
      invalid_client_id: 'invalid_client',
      invalid_client_credentials: 'invalid_client',
    },
    problems: [
      ...(/^https:\/\/[^?#]+$/.test(server) && URL.canParse(server)
        ? []
        : [`serverUrl ${serverUrl} is not like https://example.my.salesforce.com`]),
      ...(isLifetime(tokenLifetime) ? [] : [`tokenLifetime ${tokenLifetime} is not between 900 and 86400 seconds`]),
    ],
    identify: (call) => identify(call, server),
  })
}

// @see https://developer.salesforce.com/docs/atlas.en-us.api_meta.meta/api_meta/meta_profilesessionsetting.htm
function isLifetime(seconds: Seconds): boolean {
  return Number.isInteger(seconds) && seconds >= 900 && seconds <= 86_400
}

const claimNames: readonly string[] = ['name', 'preferred_username', 'email', 'email_verified', 'organization_id', 'user_id', 'user_type']

// `sub` begins with the host where the person signed in, and an org can move to another; its id and the user's stay.
// @see https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_using_userinfo_endpoint.htm
async function identify(call: UpstreamCall, server: string): Promise<Identified> {
  const url = `${server}/services/oauth2/userinfo`
  if (call.login) await requireOurs(call, `${server}/services/oauth2/introspect`)
  const headers = { accept: 'application/json', authorization: `Bearer ${call.accessToken}` }
  const { status, json } = await call.ask(url, { headers })
  // It says 403 "Bad_OAuth_Token" where others say 401.
  if (status === 401 || status === 403) throw new UpstreamRefused('token_not_accepted')
  if (status !== 200) throw new UpstreamUnavailable(`status_${status}`)
  const user = requireObject(json)
  const said = { ...pickClaims(call.login?.answer ?? {}, ['instance_url']), ...user }
  return {
    subject: `${requireSubject(user.organization_id)}.${requireSubject(user.user_id)}`,
    claims: { ...call.known?.claims, ...pickClaims(said, [...claimNames, 'instance_url']) },
    said,
  }
}

// An org can keep an app from asking; then nothing is known, and the login goes on.
// @see https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oidc_token_introspection_endpoint.htm
async function requireOurs({ ask, accessToken, client: { clientId, clientSecret } }: UpstreamCall, url: string): Promise<void> {
  const secret = clientSecret === undefined ? {} : { client_secret: clientSecret }
  const body = new URLSearchParams({ token: accessToken, token_type_hint: 'access_token', client_id: clientId, ...secret })
  const { status, json } = await ask(url, { method: 'POST', headers: { accept: 'application/json' }, body })
  if (status !== 200) return
  const { active, client_id: app } = membersOf(json)
  if (active === false || (app !== undefined && app !== clientId)) throw new UpstreamRefused('token_of_another_app')
}
