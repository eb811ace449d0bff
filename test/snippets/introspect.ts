//#region introspect
const { BASE_URL = 'https://mcp.example.com', FILES_SECRET = '' } = process.env

/** Who calls; undefined for a token that is not good here. */
export async function introspect(token: string): Promise<{ subject: string; scopes: string[] } | undefined> {
  const answer = await fetch(`${BASE_URL}/introspect`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`files:${FILES_SECRET}`)}` },
    body: new URLSearchParams({ token }),
  })
  if (!answer.ok) throw new Error(`introspection: ${answer.status}`)
  const { active, sub, scope } = await answer.json()
  return active ? { subject: sub, scopes: scope.split(' ') } : undefined
}
//#endregion
