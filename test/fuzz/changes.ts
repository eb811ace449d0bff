import fc from 'fast-check'
import { challenge } from '../support/house.ts'
import type { Plausible } from './plausible.ts'
import type { World } from './world.ts'

/** A value that is wrong where it is; `own` is something of the caller's that belongs elsewhere. */
type Value = { readonly is: 'literal'; readonly value: unknown } | { readonly is: 'own'; readonly at: number; readonly spoilt: number }

/** One thing that is wrong about a request. */
export type Change =
  | { readonly is: 'replaced' | 'dropped' | 'repeated'; readonly at: number; readonly value: Value }
  | { readonly is: 'added'; readonly name: string; readonly value: Value }
  | { readonly is: 'header'; readonly name: string; readonly value: string }
  | { readonly is: 'bearer'; readonly value: Value }
  | { readonly is: 'method'; readonly method: string }
  | { readonly is: 'path'; readonly end: string }
  | { readonly is: 'body'; readonly body: string | Uint8Array<ArrayBuffer> }

const names = fc.constantFrom(
  ...['client_id', 'client_secret', 'client_assertion', 'client_assertion_type', 'redirect_uri', 'state', 'scope', 'resource', 'iss'],
  ...['error', 'prompt', 'request', 'request_uri', 'code', 'token', 'assertion', 'dpop_jkt', 'jwks_uri', 'response_mode', 'decision'],
  ...['__proto__', 'constructor', 'toString', 'scope[]', ''],
)

const odd: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom('', '\u0000', '\ufffd', '%', '%00', '../..', '{}', '[]', 'null', '-1', '\ud800', '"', "' OR 1=1 --", '\r\nx: y'),
  fc.constantFrom('__proto__', 'constructor', 'none', 'a b', '*', '<svg onload=alert(1)>', 'code token', 'urn:x', challenge),
  fc.constantFrom('9'.repeat(400), 'x'.repeat(3000), 'x'.repeat(20_000), 'a '.repeat(4000), '('.repeat(5000)),
  fc.constantFrom('https://evil.example/', 'javascript:alert(1)', 'http://[', 'HTTP://LOCALHOST:8000/mcp', 'http://169.254.169.254/'),
)

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** What looks like a token and is none. */
const jwtShaped: fc.Arbitrary<string> = fc
  .record({
    header: fc.record({
      alg: fc.constantFrom('none', 'HS256', 'RS256', 'ES256', 'dir', ''),
      typ: fc.constantFrom('at+jwt', 'JWT', 'dpop+jwt', 'oauth-id-jag+jwt'),
      kid: odd,
    }),
    payload: fc.oneof(
      fc.dictionary(fc.constantFrom('iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'scope'), fc.jsonValue({ maxDepth: 1 })),
      odd,
    ),
    signature: fc.constantFrom('', 'AAAA', 'x'.repeat(43)),
  })
  .map(({ header, payload, signature }) => `${base64url(header)}.${base64url(payload)}.${signature}`)

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.record({ is: fc.constant('literal' as const), value: fc.oneof(odd, jwtShaped, fc.jsonValue({ maxDepth: 3 })) }),
  // As it is, or with one character spoilt.
  fc.record({ is: fc.constant('own' as const), at: fc.nat(20), spoilt: fc.oneof(fc.constant(-1), fc.nat(120)) }),
)

const latin = fc.string({ unit: fc.constantFrom(...' !"#$%&\'()*+,-./09:;<=>?@AZ[]^_`az{|}~é'), maxLength: 30 })

const header: fc.Arbitrary<{ name: string; value: string }> = fc.oneof(
  fc.record({
    name: fc.constantFrom('content-type', 'accept', 'cookie', 'origin', 'authorization', 'sec-fetch-site', 'forwarded', 'dpop', 'host'),
    value: latin,
  }),
  fc
    .constantFrom<[string, string]>(
      ['content-type', 'application/json; charset=utf-16'],
      ['content-type', 'multipart/form-data'],
      ['content-type', 'application/json'],
      ['content-type', 'application/x-www-form-urlencoded'],
      ['content-encoding', 'gzip'],
      ['accept', 'application/json'],
      ['origin', 'null'],
      ['origin', 'https://evil.example'],
      ['sec-fetch-site', 'cross-site'],
      ['authorization', 'Basic'],
      ['authorization', 'Basic YTpi'],
      ['authorization', `Basic ${'A'.repeat(9000)}`],
      ['authorization', 'DPoP x'],
      ['cookie', ''],
      ['cookie', 'x=y; '.repeat(2000)],
      ['content-length', '99999999'],
      ['x-forwarded-for', '::1, evil'],
    )
    .map(([name, value]) => ({ name, value })),
)

/** Anything that can be wrong. */
export const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ is: fc.constantFrom('replaced', 'dropped', 'repeated'), at: fc.nat(9), value }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('added' as const), name: names, value }) },
  { weight: 2, arbitrary: header.map((sent) => ({ is: 'header' as const, ...sent })) },
  fc.record({ is: fc.constant('bearer' as const), value }),
  fc.record({
    is: fc.constant('method' as const),
    method: fc.constantFrom('GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'PROPFIND'),
  }),
  fc.record({ is: fc.constant('path' as const), end: fc.constantFrom('/', '//', '/..', '%00', '%2f', ';x', '.json', '/x') }),
  fc.record({
    is: fc.constant('body' as const),
    body: fc.oneof(odd, fc.json(), fc.uint8Array({ maxLength: 60 }) as fc.Arbitrary<Uint8Array<ArrayBuffer>>),
  }),
)

function valueIn(value: Value, own: World['own']): unknown {
  if (value.is === 'literal') return value.value
  const all = Object.values(own)
  const text = all[value.at % all.length] ?? ''
  if (value.spoilt < 0 || text === '') return text
  const at = value.spoilt % text.length
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
}

function fieldsAfter(fields: Plausible['fields'], changes: readonly Change[], own: World['own']): [string, unknown][] {
  return changes.reduce<[string, unknown][]>(
    (now, each) => {
      if (each.is === 'added') return now.concat([[each.name, valueIn(each.value, own)]])
      if (each.is !== 'replaced' && each.is !== 'dropped' && each.is !== 'repeated') return now
      return now.flatMap((field, index): [string, unknown][] => {
        if (index !== each.at % now.length) return [field]
        return each.is === 'dropped' ? [] : each.is === 'repeated' ? [field, field] : [[field[0], valueIn(each.value, own)]]
      })
    },
    fields.map(([name, value]) => [name, value]),
  )
}

/** The request with everything that is wrong about it. */
export function requestAfter(plausible: Plausible, changes: readonly Change[], own: World['own']): [string, RequestInit] {
  const { as, headers } = plausible
  const sent = fieldsAfter(plausible.fields, changes, own)
  const text = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
  const form = new URLSearchParams(sent.map(([name, value]) => [name, text(value)])).toString()
  const last = <Is extends Change['is']>(is: Is): Extract<Change, { is: Is }> | undefined =>
    changes.findLast((each): each is Extract<Change, { is: Is }> => each.is === is)
  const type = as === 'json' ? 'application/json' : 'application/x-www-form-urlencoded'
  const all = new Headers({ ...headers, ...(as !== 'query' && { 'content-type': type }) })
  for (const each of changes) {
    if (each.is === 'header') all.set(each.name, each.value)
    // A header has bytes in it, and no line ends.
    if (each.is === 'bearer') all.set('authorization', `Bearer ${text(valueIn(each.value, own)).replace(/[^\x20-\x7e]/g, '?')}`)
  }
  const method = last('method')?.method ?? plausible.method
  const body = last('body')?.body ?? (as === 'json' ? JSON.stringify(Object.fromEntries(sent)) : form)
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const path = `${plausible.path}${last('path')?.end ?? ''}`
  return [as === 'query' ? `${path}?${form}` : path, { method, headers: all, ...(hasBody && { body }) }]
}
