import { expect } from 'vitest'
import type { ProviderDescription } from './describe-provider-description.ts'
import { expectFailedLogin, type ProviderRule, type RulesOf } from './describe-provider-rule.ts'
import type { Login, Trial } from './describe-provider-trial.ts'

/** Who the person is. */
export const identityRules: RulesOf = (description) => {
  const { answer, identity } = description.identity
  const members = idMembersOf(description)
  return [
    {
      rule: `knows the person by "${members.join('" and "')}" and by nothing else`,
      async holds(open) {
        const { info } = await loginAs(open(), description, changedBut(members, answer))
        expect(info.extra.subject).toBe(identity.subject)
      },
    },
    ...members.flatMap((member) => memberRules(description, member)),
    {
      rule: 'shows tools what it knows by name, and lets nothing of the answer into our token (T70)',
      async holds(open) {
        const trial = open()
        const plain = await trial.login()
        const { info } = await loginAs(open(), description, { ...intruders(members), ...answer })
        expect(info.extra.identity).toEqual(identity)
        expect({ ...info, token: '', clientId: '', extra: {} }).toEqual({ ...plain.info, token: '', clientId: '', extra: {} })
      },
    },
    {
      rule: 'leaves out what is too long for a name',
      async holds(open) {
        const long = mapLeaves(answer, (value, path) => (members.includes(path) ? value : 'x'.repeat(10_000)))
        const { info } = await loginAs(open(), description, long)
        expect(JSON.stringify(info.extra.identity).length).toBeLessThan(8_000)
      },
    },
  ]
}

function idMembersOf({ identity: { idMember } }: ProviderDescription): readonly string[] {
  return typeof idMember === 'string' ? [idMember] : idMember
}

const memberRules = (description: ProviderDescription, member: string): ProviderRule[] => {
  const { answer, identity } = description.identity
  const with_ = (value: unknown): Readonly<Record<string, unknown>> => mapLeaves(answer, (old, path) => (path === member ? value : old))
  return [
    {
      rule: `tells persons apart by "${member}"`,
      async holds(open) {
        const { info } = await loginAs(
          open(),
          description,
          mapLeaves(answer, (old, path) => (path === member ? changed(old) : old)),
        )
        expect(info.extra.subject).not.toBe(identity.subject)
        expect(info.extra.subject).not.toBe('')
      },
    },
    ...[undefined, null, '', true, 1.5, {}, []].map(
      (value): ProviderRule => ({
        rule: `takes an answer whose "${member}" is ${JSON.stringify(value) ?? 'missing'} for no answer`,
        async holds(open) {
          const trial = open()
          tell(trial, description, with_(value))
          // A member that is a part of the issuer makes it nobody's.
          await expectFailedLogin(
            trial,
            description.openId?.issuerOf ? /^(identity_without_subject|id_token_of_another_issuer)$/ : /^identity_without_subject$/,
          )
        },
      }),
    ),
  ]
}

async function loginAs(trial: Trial, description: ProviderDescription, answer: Readonly<Record<string, unknown>>): Promise<Login> {
  tell(trial, description, answer)
  return trial.login()
}

// Userinfo and the ID token are about the same person (OpenID Connect Core §5.3.2).
function tell(trial: Trial, { identity, openId }: ProviderDescription, answer: Readonly<Record<string, unknown>>): void {
  trial.answers.identity = () => new Response(JSON.stringify(answer), { headers: { 'content-type': 'application/json' } })
  if (openId) trial.idTokens.claims = identity.request ? { ...openId.idToken, sub: answer.sub } : answer
}

function changedBut(members: readonly string[], answer: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return mapLeaves(answer, (value, path) => (members.includes(path) ? value : changed(value)))
}

/** The answer with every value in it, at whatever depth, changed by `change`. A list is a value, unless it is one of objects. */
function mapLeaves(
  answer: Readonly<Record<string, unknown>>,
  change: (value: unknown, path: string) => unknown,
  above = '',
): Readonly<Record<string, unknown>> {
  const mapOne = (value: unknown, path: string): unknown => {
    if (isObject(value)) return mapLeaves(value, change, `${path}.`)
    const isListOfObjects = Array.isArray(value) && value.length > 0 && value.every(isObject)
    return isListOfObjects ? value.map((part, index) => mapOne(part, `${path}.${index}`)) : change(value, path)
  }
  return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, mapOne(value, `${above}${name}`)]))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function changed(value: unknown): unknown {
  if (typeof value === 'number') return value + 1
  if (typeof value !== 'string') return 'other'
  return /^[0-9a-f-]{36}$/.test(value) ? `${value.slice(0, -1)}${value.endsWith('0') ? '1' : '0'}` : `other-${value}`
}

// What a token of ours is made of, and what JavaScript trips over (threat T70).
function intruders(idMembers: readonly string[]): Record<string, unknown> {
  const all: Record<string, unknown> = {
    sub: 'somebody-else',
    iss: 'https://intruder.example',
    aud: 'https://intruder.example',
    exp: 4_102_444_800,
    jti: 'intruder',
    client_id: 'intruder',
    clientId: 'intruder',
    scope: 'admin',
    scopes: ['admin'],
    subject: 'somebody-else',
    grantId: 'intruder',
    constructor: 'intruder',
  }
  const others = Object.fromEntries(Object.entries(all).filter(([name]) => !idMembers.includes(name)))
  return { ...others, ...JSON.parse('{"__proto__":{"admin":true}}') }
}
