import { expect } from 'vitest'
import { expectFailedLogin, type ProviderRule, type RulesOf } from './describe-provider-rule.ts'
import type { Login, Trial } from './describe-provider-trial.ts'

/** Who the person is. */
export const identityRules: RulesOf = ({ identity: { answer, identity, idMember } }) => [
  {
    rule: `knows the person by "${idMember}" and by nothing else`,
    async holds(open) {
      const others = Object.entries(answer).map(([name, value]) => [name, name === idMember ? value : changed(value)])
      const { info } = await loginAs(open(), Object.fromEntries(others))
      expect(info.extra.subject).toBe(identity.subject)
    },
  },
  {
    rule: `tells persons apart by "${idMember}"`,
    async holds(open) {
      const { info } = await loginAs(open(), { ...answer, [idMember]: changed(answer[idMember]) })
      expect(info.extra.subject).not.toBe(identity.subject)
      expect(info.extra.subject).not.toBe('')
    },
  },
  ...[undefined, null, '', true, 1.5, {}, []].map(
    (value): ProviderRule => ({
      rule: `takes an answer whose "${idMember}" is ${JSON.stringify(value) ?? 'missing'} for no answer`,
      async holds(open) {
        const trial = open()
        trial.answers.identity = () => Response.json({ ...answer, [idMember]: value })
        await expectFailedLogin(trial, /^identity_without_subject$/)
      },
    }),
  ),
  {
    rule: 'shows tools what it knows by name, and lets nothing of the answer into our token (T70)',
    async holds(open) {
      const trial = open()
      const plain = await trial.login()
      const { info } = await loginAs(open(), { ...intruders(idMember), ...answer })
      expect(info.extra.identity).toEqual(identity)
      expect({ ...info, token: '', clientId: '', extra: {} }).toEqual({ ...plain.info, token: '', clientId: '', extra: {} })
    },
  },
  {
    rule: 'leaves out what is too long for a name',
    async holds(open) {
      const long = Object.fromEntries(Object.keys(answer).map((name) => [name, name === idMember ? answer[name] : 'x'.repeat(10_000)]))
      const { info } = await loginAs(open(), long)
      expect(JSON.stringify(info.extra.identity).length).toBeLessThan(8_000)
    },
  },
]

async function loginAs(trial: Trial, answer: Readonly<Record<string, unknown>>): Promise<Login> {
  trial.answers.identity = () => new Response(JSON.stringify(answer), { headers: { 'content-type': 'application/json' } })
  return trial.login()
}

function changed(value: unknown): unknown {
  return typeof value === 'number' ? value + 1 : typeof value === 'string' ? `other-${value}` : 'other'
}

// What a token of ours is made of, and what JavaScript trips over (threat T70).
function intruders(idMember: string): Record<string, unknown> {
  const { [idMember]: _, ...others }: Record<string, unknown> = {
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
  return { ...others, ...JSON.parse('{"__proto__":{"admin":true}}') }
}
