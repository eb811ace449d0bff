import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { launchChromium, openPage } from './chromium.ts'
import { type ServedLogin, serveLogin } from './served-login.ts'

let browser: Browser
const contexts: BrowserContext[] = []

beforeAll(async () => {
  browser = await launchChromium()
})
afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close()
})
afterAll(() => browser.close())

async function person(): Promise<BrowserContext> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  contexts.push(context)
  return context
}

const allow = (page: Page) => page.getByRole('button', { name: 'Allow' }).click()

async function signIn(page: Page): Promise<void> {
  await page.waitForURL(/\/login\/oauth\/authorize/)
  await page.getByLabel('Username').fill('octocat')
  await page.getByRole('button', { name: 'Sign in' }).click()
}

describe.each(['http', 'https'] as const)('Chromium, over %s', (scheme) => {
  let served: ServedLogin
  beforeAll(async () => {
    served = await serveLogin(scheme)
  })
  afterAll(() => served.close())

  it('logs in: consent, the upstream, and back to the client with a code that redeems', async () => {
    const context = await person()
    const { page, said } = await openPage(context)
    await page.goto(await served.authorizeUrl())
    expect(await page.getByRole('heading').textContent()).toContain('A test asks for access')
    await allow(page)
    await signIn(page)
    await page.waitForURL(`${served.redirectUri}**`)
    const answer = new URL(page.url()).searchParams
    expect([answer.get('state'), answer.get('iss')]).toEqual(['the-state', served.baseUrl])
    expect(await served.redeem(page.url())).toBe(200)
    expect(said.filter((text) => /Content Security Policy|Refused/i.test(text))).toEqual([])
  })

  it('goes on where it was, by a button, when the store was away at any of its steps (REL 4.3)', async () => {
    const { store } = served
    const { page, said } = await openPage(await person())
    const url = await served.authorizeUrl()
    const tryAgain = async (by: 'link' | 'button'): Promise<void> => {
      await page.getByRole('heading', { name: 'Not available at the moment' }).waitFor()
      const away = page.getByRole(by, { name: 'Try again' })
      // Still away: the same page, with the same way on.
      await Promise.all([page.waitForNavigation(), away.click()])
      await page.getByRole('heading', { name: 'Not available at the moment' }).waitFor()
      store.heal()
      await away.click()
    }
    store.failAlways()
    await page.goto(url)
    await tryAgain('link')
    await page.getByRole('button', { name: 'Allow' }).waitFor()
    store.failAlways()
    await allow(page)
    await tryAgain('button')
    await page.waitForURL(/\/login\/oauth\/authorize/)
    store.failAlways()
    await signIn(page)
    await tryAgain('link')
    await page.waitForURL(`${served.redirectUri}**`)
    expect(await served.redeem(page.url())).toBe(200)
    expect(said.filter((text) => /Content Security Policy|Refused/i.test(text))).toEqual([])
  })

  it('keeps two cookies that no script and no sibling domain can touch (R68, T4)', async () => {
    const context = await person()
    const { page } = await openPage(context)
    await page.goto(await served.authorizeUrl())
    await allow(page)
    await page.waitForURL(/\/login\/oauth\/authorize/)
    const cookies = (await context.cookies(served.baseUrl)).map(({ name, httpOnly, path, sameSite, secure }) => ({
      name: name.replace(/-[0-9a-f]{10}$/, ''),
      httpOnly,
      path,
      sameSite,
      secure,
    }))
    const prefix = scheme === 'https' ? '__Host-' : ''
    const expected = { httpOnly: true, path: '/', sameSite: 'Lax', secure: scheme === 'https' }
    expect(cookies.sort((one, other) => one.name.localeCompare(other.name))).toEqual([
      { name: `${prefix}drawbridge-form`, ...expected },
      { name: `${prefix}drawbridge-login`, ...expected },
    ])
  })

  it('goes back to the client when the person says no (B24)', async () => {
    const { page } = await openPage(await person())
    await page.goto(await served.authorizeUrl())
    await page.getByRole('button', { name: 'Deny' }).click()
    await page.waitForURL(`${served.redirectUri}**`)
    expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied')
    expect(served.github.calls('token')).toBe(served.github.calls('user'))
  })

  it('is refused in another browser than the one in which the person approved (T1)', async () => {
    const { page: attacker } = await openPage(await person())
    await attacker.goto(await served.authorizeUrl())
    await allow(attacker)
    await attacker.waitForURL(/\/login\/oauth\/authorize/)
    const { page: victim } = await openPage(await person())
    const exchanges = served.github.calls('token')
    await victim.goto(attacker.url())
    await signIn(victim)
    await victim.waitForURL(`${served.baseUrl}/auth/callback**`)
    expect(await victim.getByRole('heading').textContent()).toBe('This login cannot go on')
    expect(served.github.calls('token')).toBe(exchanges)
    expect(served.events.map(({ type }) => type)).toContain('callback.binding_mismatch')
  })

  it('goes on from either of two tabs, and after a double click (T8)', async () => {
    const context = await person()
    const [{ page: one }, { page: other }] = [await openPage(context), await openPage(context)]
    await one.goto(await served.authorizeUrl())
    const url = await served.authorizeUrl()
    await other.goto(url)
    await one.getByRole('button', { name: 'Allow' }).dblclick()
    await one.waitForURL(/\/login\/oauth\/authorize/)
    await allow(other)
    await signIn(other)
    await other.waitForURL(`${served.redirectUri}**`)
    expect(await served.redeem(other.url())).toBe(200)
    await signIn(one)
    await one.waitForURL(`${served.redirectUri}**`)
    expect(new URL(one.url()).searchParams.get('code')).toMatch(/^db_ac_/)
  })

  it('runs nothing that a client put into its name (T44)', async () => {
    const { page, said } = await openPage(await person())
    await page.goto(await served.authorizeUrl({ client_name: '<svg onload=alert(1)>"><script>alert(2)</script>' }))
    expect(await page.getByRole('heading').textContent()).toContain('<svg onload=alert(1)>')
    expect(await page.locator('svg, script').count()).toBe(0)
    expect(said.filter((text) => text.startsWith('dialog'))).toEqual([])
  })

  it('shows the question in no frame (T10)', async () => {
    const context = await person()
    const { page } = await openPage(context)
    const url = await served.authorizeUrl()
    const frame = `<iframe src="${url}"></iframe>`
    const evil = await serveHtml(frame)
    await page.goto(evil.url)
    await page.waitForTimeout(500)
    const [, framed] = page.frames()
    expect(await framed?.content()).not.toContain('asks for access')
    evil.close()
  })

  it('takes no answer that another site sends (T5)', async () => {
    const context = await person()
    const { page } = await openPage(context)
    await page.goto(await served.authorizeUrl())
    const sealed = await page.locator('input[name=request]').getAttribute('value')
    const evil = await serveHtml(
      `<form method="post" action="${served.baseUrl}/consent"><input name="request" value="${sealed}"><button name="decision" value="approve">Win a prize</button></form>`,
    )
    await page.goto(evil.url)
    await page.getByRole('button').click()
    await page.waitForURL(`${served.baseUrl}/consent`)
    expect(await page.getByRole('heading').textContent()).toBe('This login cannot go on')
    evil.close()
  })

  it('lets the window that opened the login know that it is there (popup clients)', async () => {
    const context = await person()
    const { page } = await openPage(context)
    const url = await served.authorizeUrl()
    const app = await serveHtml(`<button onclick="window.popup = window.open('${url}')">Log in</button>`)
    await page.goto(app.url)
    const opened = context.waitForEvent('page')
    await page.getByRole('button').click()
    const popup = await opened
    await allow(popup)
    await signIn(popup)
    await popup.waitForURL(`${served.redirectUri}**`)
    expect(await page.evaluate('window.popup.closed')).toBe(false)
    expect(await popup.evaluate('window.opener !== null')).toBe(true)
    app.close()
  })
})

/** A page of somebody else, on another site than `localhost`. */
async function serveHtml(body: string): Promise<{ url: string; close(): void }> {
  const port = await freePort()
  const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(`<!doctype html>${body}`))
  await once(server.listen(port, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${port}/`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
