import { expect } from 'vitest'
import type { IdTokens } from './describe-provider-id-token.ts'
import { expectFailedLogin, type ProviderRule, type RulesOf } from './describe-provider-rule.ts'

/** How an OpenID provider is read, and what its ID tokens have to be (OpenID Connect Core §3.1.3.7). */
export const openIdRules: RulesOf = ({ openId, identity }) => {
  if (!openId) return []
  const rules = [...refused.map(refusal), ...accepted.map(acceptance), rotation, keysAway, documentAway, documentOfAnother]
  const asksUserinfo = identity.request && identity.request.url === openId.document.userinfo_endpoint
  return asksUserinfo ? [...rules, userinfoOfAnother(openId.idToken)] : rules
}

/** ID tokens that say nothing about who is here. */
const refused: readonly {
  readonly what: string
  readonly reason: string
  readonly deviations?: IdTokens['deviations']
  readonly signedBy?: IdTokens['signedBy']
}[] = [
  { what: 'that is not there', reason: 'id_token_missing', signedBy: 'none' },
  { what: 'that a stranger signed', reason: 'id_token_signature_wrong', signedBy: 'stranger' },
  { what: 'that nobody signed', reason: 'id_token_signature_wrong', signedBy: 'nobody' },
  { what: 'that our secret signed', reason: 'id_token_signature_wrong', signedBy: 'secret' },
  { what: 'of another issuer', reason: 'id_token_of_another_issuer', deviations: { iss: 'https://another.example' } },
  { what: 'for another app', reason: 'id_token_for_another_client', deviations: { aud: 'another-app' } },
  { what: 'that another app asked for', reason: 'id_token_for_another_client', deviations: { azp: 'another-app' } },
  {
    what: 'for several apps that does not say who asked',
    reason: 'id_token_for_another_client',
    deviations: { aud: ['upstream-client', 'another-app'] },
  },
  { what: 'of another login', reason: 'id_token_of_another_login', deviations: { nonce: 'of-another-login' } },
  { what: 'without a nonce', reason: 'id_token_of_another_login', deviations: { nonce: undefined } },
  { what: 'beside another access token', reason: 'id_token_of_another_access_token', deviations: { at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng' } },
  { what: 'that ended a minute ago', reason: 'id_token_expired', deviations: { iat: 1_767_265_140, exp: 1_767_268_740 } },
  { what: 'without an end', reason: 'id_token_malformed', deviations: { exp: undefined } },
]

const refusal = ({ what, reason, deviations = {}, signedBy = 'upstream' }: (typeof refused)[number]): ProviderRule => ({
  rule: `refuses an ID token ${what} (T69)`,
  async holds(open) {
    const trial = open()
    trial.idTokens.deviations = deviations
    trial.idTokens.signedBy = signedBy
    await expectFailedLogin(trial, reason)
  },
})

/** Clocks differ, and there is more than one way to say a thing. */
const accepted: readonly { readonly what: string; readonly deviations: IdTokens['deviations'] }[] = [
  { what: 'that ended 20 seconds ago', deviations: { iat: 1_767_265_180, exp: 1_767_268_780 } },
  { what: 'from 20 seconds ahead', deviations: { iat: 1_767_268_820, nbf: 1_767_268_820 } },
  { what: 'for several apps that we asked for', deviations: { aud: ['another-app', 'upstream-client'], azp: 'upstream-client' } },
]

const acceptance = ({ what, deviations }: (typeof accepted)[number]): ProviderRule => ({
  rule: `accepts an ID token ${what}`,
  async holds(open) {
    const trial = open()
    trial.idTokens.deviations = deviations
    expect(await trial.login()).toHaveProperty('accessToken')
  },
})

// Whose access token it is, the ID token says (OpenID Connect Core §5.3.2).
const userinfoOfAnother = (idToken: Readonly<Record<string, unknown>>): ProviderRule => ({
  rule: 'refuses what userinfo says of another person than the ID token',
  async holds(open) {
    const trial = open()
    trial.idTokens.claims = { ...idToken, sub: 'somebody-else' }
    await expectFailedLogin(trial, /^userinfo_of_another_person$/)
  },
})

const rotation: ProviderRule = {
  rule: 'reads the keys again when the upstream signs with a new one',
  async holds(open) {
    const trial = open()
    await trial.login()
    trial.idTokens.rotate()
    // It is not asked about every name that somebody makes up.
    trial.environment.advance(30)
    expect(await trial.login()).toHaveProperty('accessToken')
  },
}

const keysAway: ProviderRule = {
  rule: 'ends a login without a grant while the keys cannot be read, and takes the next one',
  async holds(open) {
    const trial = open()
    const good = trial.answers.keys
    trial.answers.keys = () => new Response('broken', { status: 500 })
    await expectFailedLogin(trial, /^issuer_keys_unknown$/)
    trial.answers.keys = good
    trial.environment.advance(30)
    expect(await trial.login()).toHaveProperty('accessToken')
  },
}

const documentAway: ProviderRule = {
  rule: 'starts although the upstream is down, asks people to try again, and goes on when it is back',
  async holds(open) {
    const trial = open()
    const good = trial.answers.discovery
    trial.answers.discovery = () => new Response('broken', { status: 500 })
    await expect(trial.visit()).rejects.toThrow('Try again')
    expect(trial.events).toContainEqual(expect.objectContaining({ type: 'issuer.failed', reason: 'status_500' }))
    trial.answers.discovery = good
    trial.environment.advance(2)
    expect(await trial.login()).toHaveProperty('accessToken')
  },
}

const documentOfAnother: ProviderRule = {
  rule: 'does not take the document of another issuer (T51)',
  async holds(open) {
    const trial = open()
    const good = trial.answers.discovery
    trial.answers.discovery = async (request) =>
      Response.json({ ...(await (await good(request)).json()), issuer: 'https://another.example' })
    await expect(trial.visit()).rejects.toThrow('Try again')
    expect(trial.events).toContainEqual(expect.objectContaining({ type: 'issuer.failed', reason: 'metadata_of_another_issuer' }))
    expect(trial.sent).toEqual([])
  },
}
