import { type UpstreamCall, UpstreamRefused } from '@drawbridge/core'
import { requireObject } from '../oauth.ts'

/** As many as Graph takes at once. */
const atOnce = 20

/**
 * Those of the wanted groups that the person is in. An ID token names 200 groups; of whoever is in more it says only that, and Graph is asked, which needs a token for
 * Graph. Throws `UpstreamRefused` where it does not answer us: whoever is in too many groups is not let in as if they were in none.
 * @see https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference#groups-overage-claim
 * @see https://learn.microsoft.com/en-us/graph/api/user-checkmembergroups
 */
export async function groupsOf(
  claims: Readonly<Record<string, unknown>>,
  wanted: readonly string[],
  call: UpstreamCall,
  graph: string,
): Promise<readonly unknown[]> {
  const { groups } = claims
  if (Array.isArray(groups)) return wanted.filter((group) => groups.includes(group))
  if (!areTooMany(claims)) return []
  const chunks = Array.from({ length: Math.ceil(wanted.length / atOnce) }, (_, index) => wanted.slice(index * atOnce, (index + 1) * atOnce))
  const answers = await Promise.all(chunks.map((groupIds) => call.postJson(`${graph}/v1.0/me/checkMemberGroups`, { groupIds }))).catch(
    (cause: unknown) => {
      throw cause instanceof UpstreamRefused ? new UpstreamRefused('groups_overage', cause) : cause
    },
  )
  const found = answers.flatMap((answer) => requireObject(answer).value ?? [])
  return wanted.filter((group) => found.includes(group))
}

function areTooMany({ _claim_names: elsewhere, hasgroups }: Readonly<Record<string, unknown>>): boolean {
  return hasgroups === true || (typeof elsewhere === 'object' && elsewhere !== null && 'groups' in elsewhere)
}
