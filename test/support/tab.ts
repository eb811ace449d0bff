import type { House } from './house.ts'

/** An answer that was read. What it does not have is the empty text. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** Without the id of the request, which is another in each: `#` stands for it. */
  readonly text: string
  /** Where it redirects to. */
  readonly location: string
  /** Where its page moves on to by itself. */
  readonly refresh: string
  /** What its consent form carries. */
  readonly sealed: string
}

/** Headers over those a browser sends; undefined leaves one out. */
export type HeaderChanges = Readonly<Record<string, string | undefined>>

/** A browser, hop by hop: it keeps cookies, sends what a browser sends, and follows nothing. */
export interface Tab {
  readonly cookies: Map<string, string>
  /** Opens a URL, or a path below `baseUrl`, as if typed in. */
  open(url: string, changes?: HeaderChanges): Promise<Answer>
  /** Presses a button of a consent page, or posts whatever `fields` has. */
  decide(page: Answer, decision: string, changes?: HeaderChanges, fields?: Readonly<Record<string, string>>): Promise<Answer>
}

export function openTab(house: Pick<House, 'call' | 'baseUrl'>): Tab {
  const cookies = new Map<string, string>()
  async function send(url: string, init: RequestInit, headers: HeaderChanges): Promise<Answer> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const sent = Object.entries({ accept: 'text/html,*/*;q=0.8', cookie: cookie || undefined, ...headers })
    const present = sent.filter((pair): pair is [string, string] => pair[1] !== undefined)
    const answer = await readAnswer(await house.call(url, { ...init, headers: present }))
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    return answer
  }
  return {
    cookies,
    open: (url, changes = {}) => send(url, {}, { 'sec-fetch-site': 'none', ...changes }),
    decide: (page, decision, changes = {}, fields = {}) =>
      send(
        '/consent',
        { method: 'POST', body: new URLSearchParams({ request: page.sealed, decision, ...fields }) },
        { 'sec-fetch-site': 'same-origin', origin: new URL(house.baseUrl).origin, ...changes },
      ),
  }
}

/** Reads an answer. */
async function readAnswer(response: Response): Promise<Answer> {
  const text = (await response.text()).replace(/(?<=Request )[0-9a-f]{20}(?=<)/, '#')
  return {
    status: response.status,
    headers: response.headers,
    text,
    location: response.headers.get('location') ?? '',
    refresh: unescapeHtml(/<meta http-equiv="refresh" content="0;url=([^"]*)">/.exec(text)?.[1] ?? ''),
    sealed: unescapeHtml(/<input type="hidden" name="request" value="([^"]*)">/.exec(text)?.[1] ?? ''),
  }
}

/** The text behind escaped HTML. */
export function unescapeHtml(html: string): string {
  const entities: Readonly<Record<string, string>> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' }
  return html.replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => entities[entity] ?? entity)
}

/** Signs in at the stand-in, or cancels there; answers the callback's URL with the upstream's answer. */
export async function signInUpstream(
  house: Pick<House, 'github'>,
  upstreamUrl: string,
  fields: Readonly<Record<string, string>> = {},
): Promise<string> {
  const carried = Object.fromEntries(new URL(upstreamUrl).searchParams)
  const body = new URLSearchParams({ ...carried, decision: 'sign-in', login: 'octocat', ...fields })
  const answer = await house.github.app.request('/login/oauth/authorize', { method: 'POST', body })
  return answer.headers.get('location') ?? ''
}

/** A login that has come as far as the callback. */
export interface UnderWay {
  readonly tab: Tab
  readonly clientId: string
  /** The state we sent upstream. */
  readonly state: string
  /** The callback's URL with the upstream's answer, not opened yet. */
  readonly callback: string
}

/** Registers a client, consents and signs in: everything up to the callback. */
export async function comeToCallback(
  house: House,
  parameters?: Record<string, string | undefined>,
  tab: Tab = openTab(house),
): Promise<UnderWay> {
  const clientId = await house.register()
  const page = await tab.open(house.authorizeUrl(clientId, parameters))
  const { refresh } = await tab.decide(page, 'approve')
  const state = new URL(refresh).searchParams.get('state') ?? ''
  return { tab, clientId, state, callback: await signInUpstream(house, refresh) }
}
