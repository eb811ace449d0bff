export { type Browser, type BrowserOptions, openBrowser } from './browser.ts'
export type { CookieJar } from './cookie-jar.ts'
export type { Button, Form, Page } from './page.ts'
