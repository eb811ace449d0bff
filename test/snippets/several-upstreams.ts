import type { AuthInfo } from '@drawbridge/core'
import { auth } from './several-providers.ts'

//#region several-upstreams
export async function whoIsIt(authInfo: AuthInfo): Promise<string> {
  const { provider, identity } = await auth.upstream(authInfo)
  return provider === 'staff' ? `a colleague, ${identity.claims.email}` : `a guest from GitHub, ${identity.claims.login}`
}
//#endregion
