/** A person at an OpenID provider's own pages: signs in as `login`, agrees, and comes back to our callback, whose URL is answered. Every hop is a real request. */
export async function signInAt(
  authorizationUrl: string,
  login: string,
  callbackUrl: string,
  fetch: Fetch = globalThis.fetch,
): Promise<string> {
  const cookies = new Map<string, string>()
  let url = authorizationUrl
  let form: URLSearchParams | undefined
  for (let hop = 0; hop < 20; hop += 1) {
    if (url.startsWith(callbackUrl)) return url
    const answer = await send(fetch, url, form, cookies)
    form = undefined
    const location = answer.headers.get('location')
    if (location !== null) url = new URL(location, url).href
    else [url, form] = fillIn(await answer.text(), url, login)
  }
  throw new Error(`nobody came back from ${authorizationUrl}`)
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>

async function send(fetch: Fetch, url: string, form: URLSearchParams | undefined, cookies: Map<string, string>): Promise<Response> {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const answer = await fetch(url, { redirect: 'manual', headers: { cookie }, ...(form && { method: 'POST', body: form }) })
  for (const line of answer.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    cookies.set(name, value)
  }
  return answer
}

// The page asks for a login first and for consent then; it says which in a hidden field.
function fillIn(page: string, at: string, login: string): [string, URLSearchParams] {
  const action = /<form[^>]*action="([^"]*)"/.exec(page)?.[1]
  const prompt = /name="prompt" value="([^"]*)"/.exec(page)?.[1]
  if (action === undefined || prompt === undefined) throw new Error(`this is no page to sign in on: ${page}`)
  return [new URL(action, at).href, new URLSearchParams({ prompt, ...(prompt === 'login' && { login, password: 'x' }) })]
}
