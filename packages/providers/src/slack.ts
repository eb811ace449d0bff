import {
  type Environment,
  type OAuthProxyOptions,
  type OAuthUpstream,
  type OpenIdUpstream,
  type UpstreamCall,
  UpstreamRefused,
  UpstreamUnavailable,
} from '@drawbridge/core'
import { membersOf } from './internal/members-of.ts'
import { describeUpstream, OAuthProvider, pickClaims, requireObject, requireSubject, usualClaims } from './oauth.ts'
import { claimsOf, describeOidc } from './oidc.ts'

/** What is Slack's own among the options of {@link SlackProvider}. */
export interface SlackOptions {
  /** Whether PKCE is switched on for the app, which makes it a public client for good. Default: false; what Slack makes of a challenge before is not documented. */
  readonly pkce?: boolean
}

/** The options of {@link SlackProvider}. */
export interface SlackProviderOptions extends OAuthProxyOptions, SlackOptions {}

/**
 * Slack, with user tokens for its Web API: what a tool does, it does as the person. Tokens never expire, or live twelve hours and are refreshed, as the app is
 * set. The subject is the ids of the workspace and of the person in it. Throws `ConfigurationError` with every problem of the options.
 */
export class SlackProvider extends OAuthProvider {
  constructor({ pkce, ...options }: SlackProviderOptions, environment?: Environment) {
    super(options, slack(pkce === undefined ? {} : { pkce }), environment)
  }
}

/**
 * Slack as data. It is not told that a token is over: without rotation a person has one token of an app and a workspace, whichever of their clients asks.
 * @see https://docs.slack.dev/authentication/installing-with-oauth
 * @see https://docs.slack.dev/reference/methods/oauth.v2.access
 */
export function slack({ pkce = false }: SlackOptions = {}): OAuthUpstream {
  return describeUpstream({
    name: 'Slack',
    authorizationEndpoint: 'https://slack.com/oauth/v2/authorize',
    tokenEndpoint: `${api}/oauth.v2.access`,
    clientAuthentication: 'client_secret_post',
    // None is refused, and each is of what a tool needs; this one has the names of people.
    defaultScopes: ['users:read'],
    // Those in `scope` are a bot's.
    scopes: { parameter: 'user_scope', separator: ',' },
    pkce,
    quirks: { errorsWithStatus200: true, readAnswer },
    errorNames,
    async identify(call) {
      const said = await askSlack(call, `${api}/auth.test`, 'POST')
      return { subject: subjectOf(said.team_id, said.user_id), claims: pickClaims(said, claimNames), said }
    },
  })
}

/**
 * Sign in with Slack as data, for an `OidcProvider`: it says who somebody is, by the same subject as {@link slack}, and its tokens are for nothing else.
 * @see https://docs.slack.dev/authentication/sign-in-with-slack
 */
export function signInWithSlack({ pkce = false }: SlackOptions = {}): OpenIdUpstream {
  const [team, user] = ['https://slack.com/team_id', 'https://slack.com/user_id']
  const names = [...usualClaims, team, user, 'https://slack.com/team_name']
  return describeOidc({
    name: 'Slack',
    issuer: 'https://slack.com',
    pkce,
    quirks: { errorsWithStatus200: true },
    errorNames,
    revocation: 'never',
    async identify(call) {
      const said = await claimsOf({ ...call, getJson: (url) => askSlack(call, url, 'GET') }, true)
      return { subject: subjectOf(said[team], said[user]), claims: pickClaims(said, names), said }
    },
  })
}

const api = 'https://slack.com/api'

const claimNames: readonly string[] = ['user_id', 'user', 'team_id', 'team', 'url', 'enterprise_id']

// The id of a person is one in the workspace.
function subjectOf(team: unknown, user: unknown): string {
  return `${requireSubject(team)}:${requireSubject(user)}`
}

function inTheNameOf(accessToken: string, method: 'GET' | 'POST' = 'POST'): RequestInit {
  return { method, headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` } }
}

// That a token is no good comes with status 200 as well. @see https://docs.slack.dev/reference/methods/auth.test#errors
async function askSlack({ ask, accessToken }: UpstreamCall, url: string, method: 'GET' | 'POST'): Promise<Record<string, unknown>> {
  const { status, json } = await ask(url, inTheNameOf(accessToken, method))
  const { error, ...said } = requireObject(json)
  if (status === 401 || endsToken.includes(error)) throw new UpstreamRefused('token_not_accepted')
  if (status >= 300) throw new UpstreamUnavailable(`status_${status}`)
  return said
}

const endsToken: readonly unknown[] = ['invalid_auth', 'account_inactive', 'token_expired', 'token_revoked']

// At a login the person's token is beside that of a bot, should there be one; at a refresh it is alone.
// @see https://docs.slack.dev/authentication/using-token-rotation
function readAnswer({ authed_user, ...answer }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { token_type: _, scope, ...tokens } = answer.token_type === 'user' ? answer : membersOf(authed_user)
  return { ...tokens, token_type: 'bearer', ...(typeof scope === 'string' && { scope: scope.replaceAll(',', ' ') }) }
}

// @see https://docs.slack.dev/reference/methods/oauth.v2.access#errors
const errorNames: NonNullable<OAuthUpstream['errorNames']> = {
  invalid_code: 'invalid_grant',
  invalid_refresh_token: 'invalid_grant',
  token_revoked: 'invalid_grant',
  account_inactive: 'invalid_grant',
  invalid_client_id: 'invalid_client',
  bad_client_secret: 'invalid_client',
}
