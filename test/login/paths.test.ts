import { mcpApp } from '@drawbridge/core/hono'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openHouse } from '../support/house.ts'

const encode = (character: string): string => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`

/** Other spellings of a path: some of them lead to the same place in some server. */
const spelt = (path: string): fc.Arbitrary<string> =>
  fc
    .array(
      fc.tuple(fc.nat(path.length), fc.constantFrom('encode', 'double', 'dot', 'parent', 'upper', 'slash', 'semicolon', 'backslash')),
      {
        maxLength: 3,
      },
    )
    .map((changes) =>
      changes.reduce((now, [at, change]) => {
        const [before, character, after] = [now.slice(0, at), now[at] ?? '', now.slice(at + 1)]
        if (change === 'encode') return character === '' ? now : `${before}${encode(character)}${after}`
        if (change === 'double') return `${before}${character}${character}${after}`
        if (change === 'upper') return `${before}${character.toUpperCase()}${after}`
        if (change === 'dot') return now.replace('/', '/./')
        if (change === 'parent') return `/x/..${now}`
        if (change === 'slash') return `${now}/`
        return change === 'semicolon' ? `${now};x` : now.replace('/', '\\')
      }, path),
    )

it('a path is ours to the letter or not at all, and the router and the gate read it alike (T86)', async () => {
  const house = openHouse()
  const served: string[] = []
  const app = mcpApp({
    auth: house.auth,
    mcp: {
      fetch(request) {
        served.push(request.url)
        return new Response()
      },
    },
  })
  const routes = [...house.auth.getRoutes(), ...house.auth.getWellKnownRoutes()]
  const ours = new Set(routes.map(({ path }) => path))
  const met = { ours: 0, others: 0 }
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...ours, '/mcp').chain(spelt), async (path) => {
      const url = `http://localhost:8000${path}`
      fc.pre(URL.canParse(url))
      // What the URL parser makes of dots and backslashes, a browser and a client have made of it before it is sent.
      const { pathname } = new URL(url)
      const isOurs = ours.has(pathname)
      met[isOurs ? 'ours' : 'others'] += 1
      expect([path, (await house.auth.fetch(new Request(url, { method: 'OPTIONS' }))) !== undefined]).toEqual([path, isOurs])
      const isMcp = pathname === '/mcp' || pathname === '/mcp/'
      expect([path, (await app.fetch(new Request(url))).status === 404]).toEqual([path, !isOurs && !isMcp])
    }),
    { seed: 86, numRuns: 400 },
  )
  expect([met.ours > 20, met.others > 100, served]).toEqual([true, true, []])
})
