//#region sdk-v2
import { requireBearerAuth } from '@modelcontextprotocol/server'
import { auth } from './auth.ts'
import { mcp } from './mcp.ts'

const [{ uri, metadataUrl }] = auth.resources
const gate = requireBearerAuth({
  verifier: auth,
  requiredScopes: ['user'],
  resourceMetadataUrl: metadataUrl,
  expectedResource: new URL(uri),
})

export async function fetch(request: Request): Promise<Response> {
  const ours = await auth.fetch(request)
  if (ours) return ours
  const who = await gate(request)
  return who instanceof Response ? who : mcp.fetch(request, { authInfo: who })
}
//#endregion
