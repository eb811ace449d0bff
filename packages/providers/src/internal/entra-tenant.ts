import type { OpenId } from '@drawbridge/core'

/** Whose accounts sign in, and where. */
export interface EntraTenant {
  /** The directory, by its id, a GUID; or `organizations` for every work and school account, `consumers` for personal ones, `common` for both. */
  readonly tenantId: string
  /** With `organizations` or `common`: the directories whose people may sign in, by their ids; that of personal accounts is 9188040d-6c67-4c5b-b112-36a304b66dad. Default: all. */
  readonly allowedTenants?: readonly string[]
  /**
   * The host where people sign in: `login.microsoftonline.us` (US Government), `login.partner.microsoftonline.cn` (China), or that of an external tenant,
   * `contoso.ciamlogin.com` or a domain of your own. Default: `login.microsoftonline.com`.
   */
  readonly baseAuthority?: string
}

/** Where a tenant is. */
export interface EntraPlace {
  readonly openId: OpenId
  /** Microsoft Graph in that cloud. */
  readonly graph: string
}

const everybodys = 'login.microsoftonline.com'

/**
 * The clouds, and Microsoft Graph in each.
 * @see https://learn.microsoft.com/en-us/graph/deployments
 */
const clouds: Readonly<Record<string, string>> = {
  [everybodys]: 'https://graph.microsoft.com',
  'login.microsoftonline.us': 'https://graph.microsoft.us',
  'login.partner.microsoftonline.cn': 'https://microsoftgraph.chinacloudapi.cn',
}

/** Names that stand for many directories. */
const shared: readonly string[] = ['organizations', 'common']

/** The directory of personal accounts. */
const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad'

/**
 * Finds out where a tenant is, and whose ID tokens are taken: those of that directory, or of any that is allowed, each by its own issuer.
 * @see https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#validate-the-issuer
 */
export function placeOf({ tenantId, allowedTenants, baseAuthority = everybodys }: EntraTenant): EntraPlace {
  const tenant = String(tenantId).toLowerCase()
  const issuerAt = (name: string): string => `https://${baseAuthority}/${name}/v2.0`
  const discoveryUrl = `${issuerAt(tenant)}/.well-known/openid-configuration`
  const graph = clouds[baseAuthority]
  // An external tenant is named by its id, wherever its people sign in.
  if (graph === undefined)
    return { openId: { issuer: `https://${tenant}.ciamlogin.com/${tenant}/v2.0`, discoveryUrl }, graph: 'https://graph.microsoft.com' }
  if (!shared.includes(tenant)) return { openId: { issuer: issuerAt(tenant === 'consumers' ? consumers : tenant), discoveryUrl }, graph }
  const allowed = allowedTenants?.map((name) => name.toLowerCase())
  const isAllowed = (name: string): boolean =>
    guid.test(name) && (allowed?.includes(name) ?? true) && !(tenant === 'organizations' && name === consumers)
  return {
    openId: {
      issuer: issuerAt(tenant),
      discoveryUrl,
      documentIssuer: issuerAt('{tenantid}'),
      issuerOf: ({ tid }) => (typeof tid === 'string' && isAllowed(tid) ? issuerAt(tid) : undefined),
    },
    graph,
  }
}

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** What is wrong with the options of a tenant. */
export function refuseTenant({ tenantId, allowedTenants, baseAuthority = everybodys }: EntraTenant): string[] {
  const tenant = String(tenantId).toLowerCase()
  const isShared = shared.includes(tenant)
  const isExternal = clouds[baseAuthority] === undefined
  return [
    ...(isShared || tenant === 'consumers' ? [] : refuseIds('tenantId', [tenant])),
    ...refuseIds('allowedTenants', allowedTenants ?? []),
    ...(allowedTenants && !isShared ? ['allowedTenants goes with tenantId "organizations" or "common" only'] : []),
    ...(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(baseAuthority) ? [] : [`baseAuthority "${baseAuthority}" is not a host name`]),
    ...(isExternal && !guid.test(tenant) ? [`tenantId has to be the id of the external tenant at ${baseAuthority}`] : []),
  ]
}

/** What is wrong with ids that have to be GUIDs. */
export function refuseIds(name: string, ids: readonly string[]): string[] {
  const bad = ids.filter((id) => !guid.test(id.toLowerCase()))
  return bad.map((id) => `${name} "${id}" is not an id (a GUID), which the Entra admin center shows`)
}
