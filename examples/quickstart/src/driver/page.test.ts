import { describe, expect, it } from 'vitest'
import { parsePage } from './page.ts'

const parse = (html: string) => parsePage('http://localhost:8000/consent?x=1', 200, html)

describe('parsePage', () => {
  it('finds forms with their hidden fields and buttons, decoded', () => {
    const html = `<!doctype html><title>Allow &amp; go on</title>
      <form method="post" action="../consent">
        <input type="hidden" name="request" value="a&quot;b&#39;c&#x2F;d&lt;">
        <input name='login' /> <input type=checkbox name=remember> <input type="checkbox" name="kept" value="yes" checked>
        <input name="off" disabled value="1"> <input type="submit" name="classic" value="Go">
        <button name="decision" value="allow">Allow</button>
        <button type="button">Help</button>
        <button type="submit">Cancel</button>
      </form>`
    expect(parse(html)).toEqual({
      url: 'http://localhost:8000/consent?x=1',
      status: 200,
      html,
      title: 'Allow & go on',
      forms: [
        {
          action: 'http://localhost:8000/consent',
          method: 'post',
          fields: { request: `a"b'c/d<`, login: '', kept: 'yes' },
          buttons: [
            { label: 'Allow', name: 'decision', value: 'allow' },
            { label: 'Cancel', value: '' },
          ],
        },
      ],
    })
  })

  it('keeps the fields of two forms apart', () => {
    const forms = parse('<form><input name="a"></form><input name="b"><form method=post><input name="c"></form>').forms
    expect(forms.map(({ method, fields }) => [method, fields])).toEqual([
      ['get', { a: '' }],
      ['post', { c: '' }],
    ])
  })

  it('posts to the page itself when the form names no action', () => {
    expect(parse('<form method="post"></form>').forms[0]?.action).toBe('http://localhost:8000/consent?x=1')
  })

  it('sees no form in a comment, a script or a quoted attribute', () => {
    expect(parse('<!-- <form> --><script>"<form>"</script><p title="<form>">').forms).toEqual([])
  })

  it.each([
    ['<meta http-equiv="refresh" content="0;url=https://github.com/login?a=1&amp;b=2">', 'https://github.com/login?a=1&b=2'],
    ['<META HTTP-EQUIV="Refresh" CONTENT="0; URL=\'/next\'">', 'http://localhost:8000/next'],
    ['<meta http-equiv="refresh" content="0;url=cursor://callback?code=1">', 'cursor://callback?code=1'],
  ])('reads where %s moves on to', (html, refresh) => expect(parse(html).refresh).toBe(refresh))
})
