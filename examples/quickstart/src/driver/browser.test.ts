import { describe, expect, it } from 'vitest'
import { openBrowser } from './browser.ts'

/** A world of pages: what it was asked, and what each URL answers. */
function world(answers: Record<string, () => Response>) {
  const asked: { line: string; headers: Record<string, string>; body: unknown }[] = []
  const fetch = async (url: string, init: RequestInit) => {
    const line = `${init.method} ${url}`
    asked.push({ line, headers: Object.fromEntries(new Headers(init.headers)), body: init.body })
    const answer = answers[line]
    if (!answer) throw new Error(`nobody answers ${line}`)
    return answer()
  }
  return { asked, fetch, lines: () => asked.map(({ line }) => line) }
}

const page = (html: string, headers: Record<string, string> = {}) => new Response(html, { headers })
const to = (location: string, status = 303) => new Response(null, { status, headers: { location } })
const form =
  '<form method="post" action="/b"><input type="hidden" name="h" value="1"><input name="login"><button name="d" value="y">Go</button></form>'

describe('the browser', () => {
  it('follows redirects and pages that move on, with its cookies', async () => {
    const { fetch, asked, lines } = world({
      'GET http://a.test/': () => new Response(null, { status: 302, headers: { location: '/2', 'set-cookie': 'c=1; Path=/' } }),
      'GET http://a.test/2': () => page('<meta http-equiv="refresh" content="0;url=http://b.test/">'),
      'GET http://b.test/': () => to('http://a.test/3'),
      'GET http://a.test/3': () => page('<title>here</title>'),
    })
    const shown = await openBrowser({ fetch }).open('http://a.test/')
    expect([shown.url, shown.status, shown.title]).toEqual(['http://a.test/3', 200, 'here'])
    expect(lines()).toEqual(['GET http://a.test/', 'GET http://a.test/2', 'GET http://b.test/', 'GET http://a.test/3'])
    expect(asked.map(({ headers }) => headers.cookie)).toEqual([undefined, 'c=1', undefined, 'c=1'])
    expect(asked.map(({ headers }) => headers['sec-fetch-site'])).toEqual(['none', 'none', 'cross-site', 'cross-site'])
  })

  it('sends a form with what is hidden, what was typed and the button that was pressed', async () => {
    const { fetch, asked } = world({
      'GET http://a.test/': () => page(form),
      'POST http://a.test/b': () => to('/c'),
      'GET http://a.test/c': () => page('done'),
    })
    const browser = openBrowser({ fetch })
    const shown = await browser.press(await browser.open('http://a.test/'), 'Go', { login: 'ä b' })
    expect(shown.url).toBe('http://a.test/c')
    expect(asked[1]).toEqual({
      line: 'POST http://a.test/b',
      headers: {
        accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8',
        'content-type': 'application/x-www-form-urlencoded',
        origin: 'http://a.test',
        'sec-fetch-site': 'same-origin',
      },
      body: 'h=1&login=%C3%A4+b&d=y',
    })
  })

  it('repeats the request after 307 and not after 302', async () => {
    for (const [status, expected] of [
      [307, 'POST http://a.test/c'],
      [302, 'GET http://a.test/c'],
    ] as const) {
      const { fetch, lines } = world({
        'GET http://a.test/': () => page(form),
        'POST http://a.test/b': () => to('/c', status),
        [expected]: () => page('done'),
      })
      const browser = openBrowser({ fetch })
      await browser.press(await browser.open('http://a.test/'), 'Go')
      expect(lines().at(-1)).toBe(expected)
    }
  })

  it('does not open the URL it was told to stop at', async () => {
    const { fetch } = world({ 'GET http://a.test/': () => to('cursor://callback?code=1') })
    const shown = await openBrowser({ fetch, stopAt: 'cursor://callback' }).open('http://a.test/')
    expect(shown).toEqual({ url: 'cursor://callback?code=1', status: 0, html: '', title: '', forms: [] })
  })

  it('presses only what is there, and types only where there is a field', async () => {
    const { fetch } = world({ 'GET http://a.test/': () => page(`<title>T</title>${form}`) })
    const browser = openBrowser({ fetch })
    const shown = await browser.open('http://a.test/')
    await expect(browser.press(shown, 'Allow')).rejects.toThrow('no button "Allow" at http://a.test/ (status 200, "T")')
    await expect(browser.press(shown, 'Go', { user: 'x' })).rejects.toThrow('no field "user" beside the button "Go" at http://a.test/')
  })

  it('leaves a loop', async () => {
    const { fetch } = world({ 'GET http://a.test/': () => to('/') })
    await expect(openBrowser({ fetch }).open('http://a.test/')).rejects.toThrow('more than 20 hops from http://a.test/')
  })
})
