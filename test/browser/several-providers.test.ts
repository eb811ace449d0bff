import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium, openPage } from './chromium.ts'
import { type ServedLogin, serveLogin } from './served-login.ts'

let browser: Browser
let served: ServedLogin

beforeAll(async () => {
  browser = await launchChromium()
  served = await serveLogin('http', ['Example Inc.', 'Forge'])
})
afterAll(async () => {
  await browser.close()
  await served.close()
})

describe('Chromium, with three providers', () => {
  it('logs in with the one that is chosen, also after going back from another (T8, T11)', async () => {
    const context = await browser.newContext()
    const { page, said } = await openPage(context)
    await page.goto(await served.authorizeUrl())
    expect(await page.getByRole('button').allTextContents()).toEqual([
      'Continue with GitHub',
      'Continue with Example Inc.',
      'Continue with Forge',
      'Deny',
    ])
    await page.getByRole('button', { name: 'Continue with GitHub' }).click()
    await page.waitForURL(/\/login\/oauth\/authorize/)
    expect(page.url().startsWith(`${served.github.url}/`)).toBe(true)
    await page.goBack()
    await page.getByRole('button', { name: 'Continue with Example Inc.' }).click()
    const upstream = served.others.get('Example Inc.')
    await page.waitForURL(`${upstream?.url}/login/oauth/authorize**`)
    await page.getByLabel('Username').fill('octocat')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(`${served.redirectUri}**`)
    expect(await served.redeem(page.url())).toBe(200)
    expect([served.github.calls('token'), upstream?.calls('token')]).toEqual([0, 1])
    expect(said.filter((text) => /Content Security Policy|Refused/i.test(text))).toEqual([])
    await context.close()
  })

  it.each([
    ['narrow', 320],
    ['wide', 1280],
  ])('has every button in full, each as wide as the others, on a %s page', async (_, width) => {
    const context = await browser.newContext({ viewport: { width, height: 900 } })
    const { page } = await openPage(context)
    await page.goto(await served.authorizeUrl())
    const boxes = await Promise.all((await page.getByRole('button').all()).map((button) => button.boundingBox()))
    const [first, ...others] = boxes
    expect(boxes).toHaveLength(4)
    for (const box of others) expect([box?.width, box?.x]).toEqual([first?.width, first?.x])
    expect((first?.x ?? -1) >= 0 && (first?.x ?? 0) + (first?.width ?? 0) <= width).toBe(true)
    expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true)
    await context.close()
  })
})
