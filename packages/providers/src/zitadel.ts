import type { Environment, Identified, OAuthProxyOptions, OpenIdUpstream } from '@drawbridge/core'
import { readId, readServer } from './internal/read-server.ts'
import { personOfAnotherOrganisation } from './internal/refuse-person.ts'
import { pickClaims, usualClaims } from './oauth.ts'
import { describeOidc, OidcProvider } from './oidc.ts'

/** What is Zitadel's own among the options of {@link ZitadelProvider}. */
export interface ZitadelOptions {
  /** The instance, in the cloud or of your own: `https://my-instance-abc123.eu1.zitadel.cloud`. */
  readonly serverUrl: string
  /** The project whose roles a person is known by, by its id; the upstream's access token is for it too. Default: the project of the app, where it asserts roles. */
  readonly projectId?: string
  /** The organization whose people may sign in, by its id. Default: everybody who can sign in to the app. */
  readonly organizationId?: string
}

/** The options of {@link ZitadelProvider}. */
export interface ZitadelProviderOptions extends OAuthProxyOptions, ZitadelOptions {}

/**
 * An instance of Zitadel. Tokens are refreshed, and refresh tokens rotate. The subject is the id of the user. Throws `ConfigurationError` with every problem of the
 * options.
 */
export class ZitadelProvider extends OidcProvider {
  constructor({ serverUrl, projectId, organizationId, ...options }: ZitadelProviderOptions, environment?: Environment) {
    const own = { serverUrl, ...(projectId !== undefined && { projectId }), ...(organizationId !== undefined && { organizationId }) }
    super(options, zitadel(own), environment)
  }
}

/**
 * Zitadel as data. Its ID tokens leave out what userinfo says, so userinfo is asked. An ID token is for all apps of a project (`aud`); `azp` says which of them asked for it.
 * @see https://zitadel.com/docs/apis/openidoauth/endpoints
 * @see https://zitadel.com/docs/apis/openidoauth/claims
 */
export function zitadel({ serverUrl, projectId, organizationId }: ZitadelOptions): OpenIdUpstream {
  const server = readServer('serverUrl', serverUrl, 'https://my-instance-abc123.eu1.zitadel.cloud')
  const project = projectId === undefined ? undefined : readId('projectId', projectId, '69234237810729019')
  const organization = organizationId === undefined ? undefined : readId('organizationId', organizationId, '178204173316174381')
  const upstream = describeOidc({
    name: 'Zitadel',
    issuer: server.value,
    claimNames: usualClaims,
    scopes: { always: ['offline_access', ...scopesOf(project?.value, organization?.value)] },
    problems: [...server.problems, ...(project?.problems ?? []), ...(organization?.problems ?? [])],
  })
  return {
    ...upstream,
    async identify(call) {
      const identified = await upstream.identify(call)
      requireOrganization(identified, organization?.value)
      return withRoles(identified, project?.value)
    },
  }
}

// @see https://zitadel.com/docs/apis/openidoauth/scopes
function scopesOf(projectId: string | undefined, organizationId: string | undefined): string[] {
  return [
    ...(projectId === undefined ? [] : [`urn:zitadel:iam:org:project:id:${projectId}:aud`, 'urn:zitadel:iam:org:projects:roles']),
    ...(organizationId === undefined ? [] : [`urn:zitadel:iam:org:id:${organizationId}`]),
  ]
}

// Zitadel sees to it where it is asked to, and the browser can leave that out of the request.
function requireOrganization({ said = {} }: Identified, organizationId: string | undefined): void {
  if (organizationId !== undefined && said['urn:zitadel:iam:user:resourceowner:id'] !== organizationId) throw personOfAnotherOrganisation()
}

// A role is a name, with the organizations in which a person has it.
// @see https://zitadel.com/docs/guides/integrate/retrieve-user-roles
function withRoles({ subject, claims, said = {} }: Identified, projectId: string | undefined): Identified {
  const granted = said[projectId === undefined ? 'urn:zitadel:iam:org:project:roles' : `urn:zitadel:iam:org:project:${projectId}:roles`]
  const roles = typeof granted === 'object' && granted !== null && !Array.isArray(granted) ? Object.keys(granted) : undefined
  return { subject, claims: { ...claims, ...(roles && pickClaims({ roles }, ['roles'])) }, said }
}
