//#region domain
import type { AuthorizeUser } from '@drawbridge/core'

/** Whose e-mail address the upstream has verified, and is of the company. */
export const ofTheCompany: AuthorizeUser = ({ claims }) => claims.email_verified === true && /@example\.com$/i.test(String(claims.email))
//#endregion

//#region workspace
/** Whose account belongs to the company’s Google Workspace: `hd` is Google's word, where an address could be any account's. */
export const ofTheWorkspace: AuthorizeUser = (_, upstream) => upstream?.said.hd === 'example.com'
//#endregion

//#region organisation
/** Members of an organisation on GitHub. GitHub is asked with the person's token, which needs the scope `read:org`. */
export const ofTheOrganisation: AuthorizeUser = async (_, upstream) => {
  const answer = await upstream?.fetch('https://api.github.com/user/memberships/orgs/octo-org', { headers: { 'user-agent': 'octo-mcp' } })
  if (answer?.status === 404 || answer?.status === 403) return false
  if (!answer?.ok) throw new Error(`GitHub answered ${answer?.status}`)
  const { state }: { state?: unknown } = await answer.json()
  return state === 'active'
}
//#endregion

//#region team
/** The team may do all that the client asks for; everybody else in the organisation may read. */
export const byTeam: AuthorizeUser = async ({ claims }, upstream) => {
  if (!(await ofTheOrganisation({ subject: '', claims }, upstream))) return false
  const team = `https://api.github.com/orgs/octo-org/teams/maintainers/memberships/${encodeURIComponent(String(claims.login))}`
  const answer = await upstream?.fetch(team, { headers: { 'user-agent': 'octo-mcp' } })
  return answer?.ok && Reflect.get(Object(await answer.json()), 'state') === 'active' ? true : ['notes:read']
}
//#endregion

//#region group
/** Members of a group in Entra, by its object id. Entra puts the groups into the ID token once the app registration says so. */
export const ofTheGroup: AuthorizeUser = (_, upstream) => {
  const groups = upstream?.said.groups
  return Array.isArray(groups) && groups.includes('8f3a1c52-0b5e-4a58-9c5b-2d6c1f0e7a11')
}
//#endregion
