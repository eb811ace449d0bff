import { readAssertion } from '../assertions/read-assertion.ts'
import { type AssertionAlgorithm, AssertionRefused, type VerifiedAssertion, type VerifyAssertion } from '../assertions/verify-assertion.ts'
import { defaultScopes, type RequestableScopes } from '../clients/choose-scopes.ts'
import { readCredentials } from '../clients/read-credentials.ts'
import type { Identity } from '../ports/upstream.ts'
import { invalidGrant, invalidScope, invalidTarget, OAuthError } from '../protocol/errors.ts'
import { findResource } from '../protocol/resource.ts'
import { narrowScopes } from '../protocol/scope.ts'
import { isOurSubject, subjectOfIssuer } from '../protocol/subject.ts'
import type { Seconds } from '../protocol/time.ts'
import type { Client } from '../records/client.ts'
import { useOnce } from '../records/once.ts'
import type { Records } from '../records/records.ts'
import type { FindKeys } from '../upstream/issuer-keys.ts'
import { askedScopes, type GiveGrantNeeds, type Given, giveGrant } from './give-grant.ts'
import { type GrantHandler, requireClient, requireParameter, type TokenRequest } from './grant-handler.ts'
import { type IdJag, idJagType, parseIdJag } from './id-jag.ts'

/** An issuer whose assertions are taken for what they say. Another kind of assertion is another `parse` and `type`. */
export interface TrustedIssuer {
  readonly issuer: string
  readonly audience: string
  readonly algorithms: readonly AssertionAlgorithm[]
  readonly longest: Seconds
  readonly findKeys: FindKeys
}

/** The claims of an assertion that was verified, its issuer and subject among them. */
export type IdentityClaims = Readonly<Record<string, unknown>> & { readonly iss: string; readonly sub: string }

/** Who somebody is here whom an issuer vouches for; undefined refuses. */
export type IdentityOfAssertion = (claims: IdentityClaims) => Identity | undefined | Promise<Identity | undefined>

/** What it needs beside. */
export interface RedeemAssertionNeeds extends GiveGrantNeeds, RequestableScopes {
  readonly records: Pick<Records, 'clients' | 'grants' | 'lists' | 'onces'>
  readonly verifyAssertion: VerifyAssertion
  readonly trustedIssuers: ReadonlyMap<string, TrustedIssuer>
  readonly identityOf: IdentityOfAssertion
  readonly allowPublicClients: boolean
  readonly authorizeUser: (identity: Identity) => boolean | readonly string[] | Promise<boolean | readonly string[]>
}

/**
 * Serves `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523 §2.1 and §3.1) for identity assertions (SEP-990): an issuer that
 * the operator trusts says who the person is and which client may act for them. The assertion is used up last, so that
 * whoever shows it for another client or resource spends nothing.
 */
export function redeemAssertionHandler(needs: RedeemAssertionNeeds): GrantHandler {
  const { authenticateClient, records, allowPublicClients } = needs
  return async (request) => {
    const assertion = requireParameter(request, 'assertion')
    const client = await requireClient(authenticateClient, request)
    // By this request, and not by what else the client may do: some list several ways, and one of them may prove nothing.
    if (readCredentials(request.client)?.method === 'none' && !allowPublicClients)
      throw new OAuthError('unauthorized_client', 'The client may not use this grant type.', { reason: 'grant_type_not_of_the_client' })
    const { issuer, verified } = await verify(needs, assertion)
    const given = await judge(needs, request, client, verified)
    const { id, endsAt } = verified
    await request.proof?.use()
    if (!(await useOnce(records.onces, 'grant-assertion', { owner: issuer, id, endsAt }))) throw refuse('assertion_replayed')
    return giveGrant(needs, client, given, request.proof?.thumbprint)
  }
}

async function verify(
  { trustedIssuers, verifyAssertion }: RedeemAssertionNeeds,
  assertion: string,
): Promise<{ issuer: string; verified: VerifiedAssertion }> {
  const trusted = trustedIssuers.get(readAssertion(assertion)?.issuer ?? '')
  if (!trusted) throw refuse('assertion_of_another_issuer')
  try {
    const verified = await verifyAssertion(assertion, { ...trusted, audienceInList: true, type: idJagType })
    return { issuer: trusted.issuer, verified }
  } catch (cause) {
    throw cause instanceof AssertionRefused ? refuse(cause.reason, cause) : cause
  }
}

async function judge(needs: RedeemAssertionNeeds, request: TokenRequest, client: Client, verified: VerifiedAssertion): Promise<Given> {
  const idJag = parseIdJag(verified.claims)
  if (!idJag) throw refuse('assertion_malformed')
  if (idJag.clientId !== client.id) throw refuse('assertion_for_another_client')
  const resource = findResource(idJag.resource, needs.resources)
  if (resource === undefined) throw refuse('assertion_for_another_resource')
  if (request.values.resource !== undefined && findResource(request.values.resource, needs.resources) !== resource)
    throw invalidTarget('The resource is not the one that was granted.', 'resource_not_of_the_assertion')
  const scopes = chooseScopes(needs, client, askedScopes(request), idJag)
  const identity = await identify(needs, verified)
  const answer = await needs.authorizeUser(identity)
  // Whatever is neither a yes nor a list is a no, as at a login (threat T101).
  if (answer !== true && !Array.isArray(answer)) throw refuse('authorize_user_said_no')
  return { identity, resource, scopes: answer === true ? scopes : narrowScopes(scopes, answer) }
}

// Never wider than the issuer said, than what was asked for, and than what the client may have of what this server has.
function chooseScopes(
  needs: RedeemAssertionNeeds,
  client: Client,
  asked: readonly string[] | undefined,
  { scopes: named }: IdJag,
): readonly string[] {
  const { validScopes, registeredIsLimit, expandScopes } = needs
  const standard = defaultScopes(client, needs)
  const wanted = asked ?? named ?? standard
  const limits = [validScopes, ...(named ? [named] : []), ...(registeredIsLimit ? [expandScopes(standard)] : [])]
  const scopes = limits.reduce(narrowScopes, wanted).filter((scope) => scope !== 'offline_access')
  if (scopes.length === 0 && wanted.length > 0)
    throw invalidScope('None of the scopes is one that was granted.', 'scope_not_of_the_assertion')
  return scopes
}

async function identify({ identityOf }: RedeemAssertionNeeds, { claims, subject }: VerifiedAssertion): Promise<Identity> {
  const iss = claims.iss ?? ''
  // OpenID Connect Core §2 has 255 at most; half a character can be written nowhere.
  if (subject.length > 255 || /[\p{Cs}\p{Cc}]/u.test(subject)) throw refuse('assertion_malformed')
  const identity = await identityOf({ ...claims, iss, sub: subject })
  if (!identity?.subject) throw refuse('assertion_of_nobody')
  // What an issuer calls somebody must not make them another issuer's person, or a client (spec row R99).
  if (isOurSubject(identity.subject) && identity.subject !== subjectOfIssuer(iss, subject)) throw refuse('assertion_of_nobody')
  return identity
}

function refuse(reason: string, cause?: unknown): OAuthError {
  return invalidGrant('The assertion is invalid, has expired, was used, or is for another client.', reason, cause)
}
