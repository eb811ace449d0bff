import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

/** Debian's Chromium, as `npm test` found or installed it. It talks to loopback and to nobody else. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROME_PATH ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
    ],
  })
}

/** A page, and everything that its console and its dialogs said. */
export async function openPage(context: BrowserContext): Promise<{ page: Page; said: string[] }> {
  const page = await context.newPage()
  const said: string[] = []
  page.on('console', (message) => said.push(message.text()))
  page.on('dialog', (dialog) => {
    said.push(`dialog: ${dialog.message()}`)
    dialog.dismiss().catch(() => {})
  })
  return { page, said }
}
