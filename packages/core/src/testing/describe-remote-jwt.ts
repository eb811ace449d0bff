import { createSecretKey } from 'node:crypto'
import { SignJWT, UnsecuredJWT } from 'jose'
import { expect } from 'vitest'
import type { IssuerKeysExample, RemoteProviderDescription, TokenOfIssuer } from './describe-remote-description.ts'
import {
  expectInsufficient,
  expectPassed,
  expectRefused,
  expectTrouble,
  type OpenRemote,
  type RemoteRule,
  troubles,
} from './describe-remote-rules.ts'
import { createRemoteKey, keySet, type RemoteKey, type RemoteTrial, signToken } from './describe-remote-trial.ts'

/** Where the issuer's keys are, and key pairs by their names: each is made once, because that takes longer than all else. */
interface Issuing extends IssuerKeysExample {
  keyOf(name: string, kid?: string): RemoteKey
}

/** What holds where tokens are verified by the issuer's keys. */
export function jwtRules(description: RemoteProviderDescription, example: IssuerKeysExample): RemoteRule[] {
  const { token, foreign } = description
  const made = new Map<string, RemoteKey>()
  const keyOf: Issuing['keyOf'] = (name, kid = name) => {
    const key = made.get(name) ?? createRemoteKey(kid, example.algorithm)
    made.set(name, key)
    return key
  }
  const by = { ...example, keyOf }
  const refused = (name: string, change: Partial<TokenOfIssuer['claims']>): RemoteRule =>
    refusing(by, name, { ...token, claims: { ...token.claims, ...change } })
  return [
    ...goodRules(description, by),
    refused('of another issuer', { iss: 'https://elsewhere.example' }),
    refused('for another MCP server', { aud: 'https://other.example.com/mcp' }),
    refused('for nobody', { aud: undefined }),
    refused('that is over', { exp: 1 }),
    refused('that does not end', { exp: undefined }),
    refused('without a subject', { sub: undefined }),
    refused('that is bound to a key', { cnf: { jkt: 'abc' } }),
    refusing(by, 'with an extension that is critical', { ...token, header: { ...token.header, crit: ['b64'], b64: true } }),
    ...foreign.map((other) => refusing(by, `that is ${other.name}`, other)),
    ...forgeryRules(description, by),
    ...keyRules(description, by),
  ]
}

/** A trial whose issuer publishes a key, and a token by it. */
async function openSigned(open: OpenRemote, { jwksUri, discovery, keyOf }: Issuing, token: TokenOfIssuer, scopes?: string[]) {
  const trial = open(scopes && { requiredScopes: scopes })
  const key = keyOf('first')
  if (discovery) trial.answers[discovery.url] = () => Response.json(discovery.document)
  trial.answers[jwksUri] = keySet(key)
  return { trial, key, signed: await signToken(key, token, trial.environment.now()) }
}

function goodRules(description: RemoteProviderDescription, by: Issuing): RemoteRule[] {
  const { token } = description
  return [
    {
      rule: 'lets a good token pass, and says who calls',
      async holds(open) {
        const { trial, signed } = await openSigned(open, by, token)
        await expectPassed(trial, signed, description)
        await expectPassed(trial, signed, description)
        expect(trial.fetched).toEqual([...(by.discovery ? [by.discovery.url] : []), by.jwksUri])
      },
    },
    {
      rule: 'refuses a good token without a scope that is needed',
      async holds(open) {
        const { trial, signed } = await openSigned(open, by, token, ['nobody:has-it'])
        await expectInsufficient(trial, signed, 'nobody:has-it')
      },
    },
  ]
}

function refusing(by: Issuing, name: string, token: TokenOfIssuer): RemoteRule {
  return {
    rule: `refuses a token ${name}`,
    async holds(open) {
      const { trial, signed } = await openSigned(open, by, token)
      await expectRefused(trial, signed)
    },
  }
}

function forgeryRules({ token }: RemoteProviderDescription, by: Issuing): RemoteRule[] {
  return [
    {
      rule: 'refuses a token that another key signed under the same kid',
      async holds(open) {
        const { trial } = await openSigned(open, by, token)
        await expectRefused(trial, await signToken(by.keyOf('a stranger’s', 'first'), token, trial.environment.now()))
      },
    },
    {
      rule: 'refuses a token that nobody signed, and one that is signed by the public key as if it were a secret',
      async holds(open) {
        const { trial, key } = await openSigned(open, by, token)
        const claims = { ...token.claims, exp: trial.environment.now() + 3600 }
        const secret = createSecretKey(Buffer.from(key.publicKey.export({ type: 'spki', format: 'pem' })))
        const header = { ...token.header, alg: 'HS256', kid: 'first' }
        await expectRefused(trial, new UnsecuredJWT(claims).encode())
        await expectRefused(trial, await new SignJWT(claims).setProtectedHeader(header).sign(secret))
      },
    },
  ]
}

function keyRules(description: RemoteProviderDescription, by: Issuing): RemoteRule[] {
  const { token } = description
  const trouble = ({ name, answer }: (typeof troubles)[number]): RemoteRule => ({
    rule: `answers 503 while its issuer’s keys are ${name}`,
    async holds(open) {
      const { trial, signed, key } = await openSigned(open, by, token)
      trial.answers[by.jwksUri] = answer(trial)
      await expectTrouble(trial, signed)
      trial.answers[by.jwksUri] = keySet(key)
      trial.environment.advance(31)
      await expectPassed(trial, signed, description)
    },
  })
  return [
    ...troubles.map(trouble),
    {
      rule: 'finds a new key of its issuer, and refuses one that is not there',
      async holds(open) {
        const { trial, signed } = await openSigned(open, by, token)
        await expectPassed(trial, signed, description)
        const next = by.keyOf('second')
        const signedByNext = await signToken(next, token, trial.environment.now())
        await expectNoKeyYet(trial, signedByNext)
        trial.answers[by.jwksUri] = keySet(next)
        trial.environment.advance(31)
        await expectPassed(trial, signedByNext, description)
        await expectRefused(trial, signed)
      },
    },
  ]
}

async function expectNoKeyYet(trial: RemoteTrial, token: string): Promise<void> {
  trial.environment.advance(31)
  await expectRefused(trial, token)
}
