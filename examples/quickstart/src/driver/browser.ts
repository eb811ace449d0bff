import { type CookieJar, openCookieJar, type Site } from './cookie-jar.ts'
import { type Page, parsePage } from './page.ts'

/** How a browser reaches the world, and where it stops. */
export interface BrowserOptions {
  /** A URL that begins like this is not opened: the client's redirect URI. */
  readonly stopAt?: string
  /** Default: the global `fetch`. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** Is told of every hop. */
  readonly onHop?: (method: string, url: string, status: number) => void
}

/** What a person does with a browser, without one: pages, forms, cookies and redirects, and no scripts. */
export interface Browser {
  readonly cookies: CookieJar
  /** Opens a URL as if typed in, and follows to where it leads. */
  open(url: string): Promise<Page>
  /** Fills in the form of `page` that has a button with this label, presses it, and follows. Rejects when there is no such button or field. */
  press(page: Page, label: string, typed?: Readonly<Record<string, string>>): Promise<Page>
}

/** A request on its way through redirects. */
interface Navigation {
  readonly url: string
  readonly method: string
  readonly body?: string
  /** The page it comes from; none when the URL was typed in. */
  readonly from?: string
  /** Whether the chain left the origin of `from` before. */
  readonly site: Site
}

/** More hops than a login has; a loop ends here. */
const mostHops = 20

/** Opens a browser with an empty cookie jar. */
export function openBrowser({ stopAt, fetch = globalThis.fetch, onHop }: BrowserOptions = {}): Browser {
  const cookies = openCookieJar()

  async function send(navigation: Navigation): Promise<Response> {
    const { url, method, body, from, site } = navigation
    const headers = new Headers({ accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8', 'sec-fetch-site': site })
    const cookie = cookies.header({ url, method, site })
    if (cookie !== undefined) headers.set('cookie', cookie)
    if (body !== undefined) headers.set('content-type', 'application/x-www-form-urlencoded')
    if (method === 'POST' && from !== undefined) headers.set('origin', new URL(from).origin)
    const signal = AbortSignal.timeout(15_000)
    const answer = await fetch(url, { method, headers, redirect: 'manual', signal, ...(body !== undefined && { body }) })
    cookies.keep(url, answer)
    onHop?.(method, url, answer.status)
    return answer
  }

  async function follow(start: Navigation): Promise<Page> {
    let navigation = start
    for (let hop = 0; hop < mostHops; hop += 1) {
      const { url } = navigation
      if (stopAt !== undefined && url.startsWith(stopAt)) return parsePage(url, 0, '')
      const answer = await send(navigation)
      const location = answer.headers.get('location')
      if (answer.status >= 300 && answer.status < 400 && location !== null) {
        await answer.body?.cancel()
        navigation = redirected(navigation, new URL(location, url).href, answer.status)
        continue
      }
      const page = parsePage(url, answer.status, await answer.text())
      if (page.refresh === undefined) return page
      navigation = { url: page.refresh, method: 'GET', from: url, site: siteOf(url, page.refresh) }
    }
    throw new Error(`more than ${mostHops} hops from ${start.url}`)
  }

  return {
    cookies,
    open: (url) => follow({ url, method: 'GET', site: 'none' }),
    async press(page, label, typed = {}) {
      const sent = fillIn(page, label, typed)
      return follow({ ...sent, from: page.url, site: siteOf(page.url, sent.url) })
    },
  }
}

function fillIn(page: Page, label: string, typed: Readonly<Record<string, string>>): Pick<Navigation, 'url' | 'method' | 'body'> {
  const form = page.forms.find(({ buttons }) => buttons.some((button) => button.label === label))
  const button = form?.buttons.find((each) => each.label === label)
  if (!form || !button) throw new Error(`no button "${label}" at ${page.url} (status ${page.status}, "${page.title}")`)
  const unknown = Object.keys(typed).find((name) => !(name in form.fields))
  if (unknown !== undefined) throw new Error(`no field "${unknown}" beside the button "${label}" at ${page.url}`)
  const fields = new URLSearchParams({ ...form.fields, ...typed })
  if (button.name !== undefined) fields.append(button.name, button.value)
  if (form.method === 'post') return { url: form.action, method: 'POST', body: fields.toString() }
  return { url: `${form.action.replace(/[?#].*$/s, '')}?${fields}`, method: 'GET' }
}

// 307 and 308 repeat the request; the others go on with GET (RFC 9110 §15.4).
function redirected(navigation: Navigation, url: string, status: number): Navigation {
  const { from, body } = navigation
  const site = from === undefined ? 'none' : farther(navigation.site, siteOf(from, url))
  const again = status === 307 || status === 308
  return {
    url,
    method: again ? navigation.method : 'GET',
    site,
    ...(from !== undefined && { from }),
    ...(again && body !== undefined && { body }),
  }
}

function siteOf(from: string, to: string): Site {
  const [page, target] = [new URL(from), new URL(to)]
  if (page.origin === target.origin) return 'same-origin'
  // Two hosts count as two sites, subdomains too: there is no list of public suffixes here.
  return page.hostname === target.hostname && page.protocol === target.protocol ? 'same-site' : 'cross-site'
}

function farther(one: Site, other: Site): Site {
  const order: readonly Site[] = ['none', 'same-origin', 'same-site', 'cross-site']
  return order.indexOf(one) > order.indexOf(other) ? one : other
}
