import { openBrowser, type Page } from '@drawbridge/quickstart/driver'

/** Reads the consent form, allows and signs in; goes on to the client, or stops at its redirect URI. Answers where it ended. */
export async function allow(authorizationUrl: string, stopAt?: string): Promise<Page> {
  const browser = openBrowser(stopAt === undefined ? {} : { stopAt })
  const consent = await browser.open(authorizationUrl)
  return browser.press(await browser.press(consent, 'Allow'), 'Sign in', { login: 'octocat' })
}

/** Reads the consent form and says no. */
export async function deny(authorizationUrl: string, stopAt?: string): Promise<Page> {
  const browser = openBrowser(stopAt === undefined ? {} : { stopAt })
  return browser.press(await browser.open(authorizationUrl), 'Deny')
}
