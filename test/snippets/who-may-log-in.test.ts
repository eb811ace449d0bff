import type { AuthorizedUpstream, AuthorizeUser } from '@drawbridge/core'
import { describe, expect, it } from 'vitest'
import { byTeam, ofTheCompany, ofTheGroup, ofTheOrganisation, ofTheWorkspace } from './who-may-log-in.ts'

// What docs/guides/who-may-log-in.md shows, does what it says.

/** The upstream in a person's name: what it said of them, and what it answers. */
function upstream(said: object = {}, answers: Readonly<Record<string, Response>> = {}): AuthorizedUpstream {
  return {
    accessToken: 'token',
    scopes: [],
    said: { ...said },
    fetch: async (input) => answers[String(input)]?.clone() ?? Response.json({ message: 'Not Found' }, { status: 404 }),
  }
}

const person = (claims: object = {}) => ({ subject: '1', claims: { ...claims } })
const ask = (hook: AuthorizeUser, claims: object, said?: object, answers?: Record<string, Response>) =>
  hook(person(claims), upstream(said, answers))

describe('who may log in', () => {
  it.each<[object, boolean]>([
    [{ email: 'jane@example.com', email_verified: true }, true],
    [{ email: 'Jane@EXAMPLE.com', email_verified: true }, true],
    [{ email: 'jane@example.com', email_verified: false }, false],
    [{ email: 'jane@example.com' }, false],
    [{ email: 'jane@notexample.com', email_verified: true }, false],
    [{ email: 'jane@example.com.evil.example', email_verified: true }, false],
    [{}, false],
  ])('by the domain of %j: %s', async (claims, may) => {
    expect(await ask(ofTheCompany, claims)).toBe(may)
  })

  it.each<[object, boolean]>([
    [{ hd: 'example.com' }, true],
    [{ hd: 'evil.example' }, false],
    [{}, false],
  ])('by the workspace of %j: %s', async (said, may) => {
    expect(await ask(ofTheWorkspace, {}, said)).toBe(may)
    expect(await ofTheWorkspace(person(), undefined)).toBe(false)
  })

  const membership = 'https://api.github.com/user/memberships/orgs/octo-org'
  const maintainers = 'https://api.github.com/orgs/octo-org/teams/maintainers/memberships/octocat'

  it('by an organisation: active members, and neither strangers nor those who are only invited', async () => {
    expect(await ask(ofTheOrganisation, {}, {}, { [membership]: Response.json({ state: 'active' }) })).toBe(true)
    expect(await ask(ofTheOrganisation, {}, {}, { [membership]: Response.json({ state: 'pending' }) })).toBe(false)
    expect(await ask(ofTheOrganisation, {})).toBe(false)
    await expect(ask(ofTheOrganisation, {}, {}, { [membership]: Response.json({}, { status: 500 }) })).rejects.toThrow('500')
  })

  it('by a team: all of it, or some scopes, or nothing', async () => {
    const member = { [membership]: Response.json({ state: 'active' }) }
    const maintainer = { ...member, [maintainers]: Response.json({ state: 'active' }) }
    expect(await ask(byTeam, { login: 'octocat' }, {}, maintainer)).toBe(true)
    expect(await ask(byTeam, { login: 'octocat' }, {}, member)).toEqual(['notes:read'])
    expect(await ask(byTeam, { login: 'octocat' }, {}, { [maintainers]: Response.json({ state: 'active' }) })).toBe(false)
  })

  it('by a group', async () => {
    expect(await ask(ofTheGroup, {}, { groups: ['another', '8f3a1c52-0b5e-4a58-9c5b-2d6c1f0e7a11'] })).toBe(true)
    expect(await ask(ofTheGroup, {}, { groups: ['another'] })).toBe(false)
    expect(await ask(ofTheGroup, {}, { groups: '8f3a1c52-0b5e-4a58-9c5b-2d6c1f0e7a11' })).toBe(false)
  })
})
