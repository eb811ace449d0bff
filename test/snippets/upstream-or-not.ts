//#region upstream-or-not
import { type AuthInfo, NoUpstream } from '@drawbridge/core'
import { auth } from './auth.ts'

export async function repositories(authInfo: AuthInfo): Promise<string> {
  try {
    const github = await auth.upstream(authInfo)
    return await (await github.fetch('https://api.github.com/user/repos')).text()
  } catch (error) {
    if (error instanceof NoUpstream) return 'This needs somebody who is signed in at GitHub.'
    throw error
  }
}
//#endregion
