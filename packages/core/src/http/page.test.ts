import { html } from 'hono/html'
import { describe, expect, it } from 'vitest'
import { errorPage } from './error-page.ts'
import { movingPage, page, pageResponse } from './page.ts'
import { seeOther } from './redirect.ts'

const evil = '"><script>alert(1)</script>&\'`'

describe('a page', () => {
  it('says its language and its characters, loads nothing and runs nothing (T31, T44)', async () => {
    const text = String(await page('A title', html`<p>A text</p>`))
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/)
    expect(text).toContain('<meta charset="utf-8">')
    expect(text).toContain('<title>A title</title>')
    expect(text).not.toMatch(/<script|<img|<link|<iframe|src=|url\(/i)
  })

  it('escapes whatever it is given (T44)', async () => {
    const text = String(await page(evil, html`<p>${evil}</p>`))
    expect(text).not.toContain('<script')
    expect(text).toContain('<title>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#39;`</title>')
    expect(text).toContain('<p>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#39;`</p>')
  })

  it('is sent as HTML in UTF-8, and kept by nobody', async () => {
    const response = await pageResponse(page('A title', html``), { status: 418, headers: { 'x-more': '1' } })
    expect(response.status).toBe(418)
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-more': '1',
    })
  })
})

describe('a page that moves on', () => {
  it('goes where it is told, with a link for those whom it does not move', async () => {
    const text = String(await movingPage('Moving', 'You are sent on.', 'Go on', 'https://github.com/login?a=1&b=2'))
    expect(text).toContain('<meta http-equiv="refresh" content="0;url=https://github.com/login?a=1&amp;b=2">')
    expect(text).toContain('<a href="https://github.com/login?a=1&amp;b=2" rel="noreferrer">Go on</a>')
  })

  it('cannot be broken out of', async () => {
    expect(String(await movingPage('Moving', 'text', 'Go on', `https://client.example.com/${evil}`))).not.toContain('<script')
  })
})

describe('an error page', () => {
  it.each([
    [400, 'This login cannot go on', 'Close this page and start again in your application.'],
    [403, 'This login cannot go on', 'For your safety this login was stopped. Close this page and start again in your application.'],
    [500, 'This login cannot go on', 'Close this page and start again in your application.'],
    [503, 'Not available at the moment', 'This will pass. Wait a moment and load this page again.'],
  ])('%i says what to do', async (status, title, advice) => {
    const response = await errorPage(status, { code: 'the_code', description: 'What went wrong.' }, { 'retry-after': '2' })
    const text = await response.text()
    expect(response.status).toBe(status)
    expect(response.headers.get('retry-after')).toBe('2')
    for (const part of [`<h1>${title}</h1>`, '<p>What went wrong.</p>', `<p>${advice}</p>`, '<p class="quiet">the_code</p>'])
      expect(text).toContain(part)
  })

  it('escapes what it is given (T44)', async () => {
    expect(await (await errorPage(400, { code: evil, description: evil, requestId: evil }, {})).text()).not.toContain('<script')
  })
})

it('a redirect is a 303 without a body, kept by nobody (R75)', async () => {
  const response = seeOther('cursor://anysphere.cursor-retrieval/cb?code=c&state=%20')
  expect(response.status).toBe(303)
  expect(Object.fromEntries(response.headers)).toEqual({
    location: 'cursor://anysphere.cursor-retrieval/cb?code=c&state=%20',
    'cache-control': 'no-store',
  })
  expect(await response.text()).toBe('')
})
