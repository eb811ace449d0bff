import { type UpstreamCall, UpstreamRefused } from '@drawbridge/core'
import { requireObject } from '../oauth.ts'

/** As many as Graph takes at once. */
const atOnce = 20

/** Where groups are found out, and for which API of one's own the token of a person may be. */
export interface GroupsPlace {
  readonly graph: string
  readonly identifierUri: string | undefined
}

/**
 * Those of the wanted groups that the person is in. An ID token names 200 groups; of whoever is in more it says only that, and Graph is asked. Throws `UpstreamRefused`
 * where Graph does not answer us: whoever is in too many groups is not let in as if they were in none.
 * @see https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference#groups-overage-claim
 * @see https://learn.microsoft.com/en-us/graph/api/user-checkmembergroups
 */
export async function groupsOf(
  claims: Readonly<Record<string, unknown>>,
  wanted: readonly string[],
  call: UpstreamCall,
  { graph, identifierUri }: GroupsPlace,
): Promise<readonly unknown[]> {
  const { groups } = claims
  if (Array.isArray(groups)) return wanted.filter((group) => groups.includes(group))
  if (!areTooMany(claims)) return []
  const accessToken = isForOwnApi(call, identifierUri) ? await tradeToken(call, graph) : call.accessToken
  const chunks = Array.from({ length: Math.ceil(wanted.length / atOnce) }, (_, index) => wanted.slice(index * atOnce, (index + 1) * atOnce))
  const headers = { accept: 'application/json', 'content-type': 'application/json', authorization: `Bearer ${accessToken}` }
  const answers = await Promise.all(
    chunks.map((groupIds) => ask(call, `${graph}/v1.0/me/checkMemberGroups`, { headers, body: JSON.stringify({ groupIds }) })),
  )
  const found = answers.flatMap(({ value }) => value ?? [])
  return wanted.filter((group) => found.includes(group))
}

function areTooMany({ _claim_names: elsewhere, hasgroups }: Readonly<Record<string, unknown>>): boolean {
  return hasgroups === true || (typeof elsewhere === 'object' && elsewhere !== null && 'groups' in elsewhere)
}

function isForOwnApi({ login }: UpstreamCall, identifierUri: string | undefined): boolean {
  return identifierUri !== undefined && String(login?.answer.scope).includes(identifierUri)
}

/** A token for Graph, on behalf of the person. @see https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-on-behalf-of-flow */
async function tradeToken(call: UpstreamCall, graph: string): Promise<string> {
  const { clientId, clientSecret = '', clientAssertion } = call.client
  const { tokenEndpoint } = call.endpoints
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    client_id: clientId,
    ...(clientAssertion
      ? {
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await clientAssertion(tokenEndpoint),
        }
      : { client_secret: clientSecret }),
    assertion: call.accessToken,
    scope: `${graph}/User.Read`,
    requested_token_use: 'on_behalf_of',
  })
  const { access_token: accessToken } = await ask(call, tokenEndpoint, { headers: { accept: 'application/json' }, body })
  if (typeof accessToken !== 'string') throw new UpstreamRefused('groups_overage')
  return accessToken
}

async function ask(call: UpstreamCall, url: string, init: RequestInit): Promise<Record<string, unknown>> {
  const { status, json } = await call.ask(url, { ...init, method: 'POST' })
  if (status !== 200) throw new UpstreamRefused('groups_overage')
  return requireObject(json)
}
