import { isSealedId } from '../clients/sealed-clients.ts'
import type { Environment } from '../ports/environment.ts'
import { byProvider, type Emit } from '../ports/events.ts'
import { StoreUnavailable } from '../ports/store.ts'
import type { Identified, Identity, UpstreamAccess, UpstreamTokens } from '../ports/upstream.ts'
import { hashSecret } from '../protocol/compare.ts'
import { accessDenied } from '../protocol/errors.ts'
import { formatCode, timedId } from '../protocol/identifiers.ts'
import type { Lifetimes } from '../protocol/lifetimes.ts'
import { coversScopes, narrowScopes, offlineAccess, resourceScopes } from '../protocol/scope.ts'
import type { ExpandScopes } from '../protocol/scope-hierarchy.ts'
import { newGrant } from '../records/grant.ts'
import type { Records } from '../records/records.ts'
import { type ConsentedLogin, rememberConsent } from '../records/remembered-consent.ts'
import type { AuthorizationRequest, Transaction } from '../records/transaction.ts'
import { upstreamAccess } from '../upstream/upstream-access.ts'

/**
 * What the operator says of a person: yes, no, or only these scopes. `upstream` is for asking it more, with the person's token; it is absent for whom an
 * enterprise vouches for, who did not log in there.
 */
export type AuthorizeUser = (
  identity: Identity,
  upstream?: AuthorizedUpstream,
) => boolean | readonly string[] | Promise<boolean | readonly string[]>

/** The upstream in the name of a person who is just logging in. */
export interface AuthorizedUpstream extends UpstreamAccess {
  /** All that it said of the person: groups, for instance, that are too many to keep. */
  readonly said: Readonly<Record<string, unknown>>
}

/** What opening a grant needs. */
export interface OpenGrantNeeds {
  readonly records: Pick<Records, 'grants' | 'lists' | 'rememberedConsents'>
  readonly lifetimes: Lifetimes
  readonly authorizeUser: AuthorizeUser
  /** The baseline: a grant of more is an elevation. */
  readonly requiredScopes: readonly string[]
  readonly expandScopes: ExpandScopes
  readonly environment: Environment
  readonly emit: Emit
}

/** A transaction whose person the upstream signed in, and the remembered consent to keep its yes in, if it is to be kept. */
export type Consented = Pick<Transaction, 'request' | 'remembered'> & { readonly rememberAs: string | undefined }

/**
 * Opens the grant of a person whom the upstream has just signed in, pending until its code is redeemed, and answers the code.
 * The scopes are those asked for, less what the upstream or the operator did not give; of several upstreams none knows our scopes. Throws `access_denied`.
 */
export async function openGrant(
  needs: OpenGrantNeeds,
  { request, remembered, rememberAs }: Consented,
  { said = {}, ...identity }: Identified,
  tokens: UpstreamTokens,
): Promise<string> {
  const { records, lifetimes, expandScopes, environment, emit } = needs
  const scopes = await grantScopes(needs, request, { ...identity, said }, tokens)
  const now = environment.now()
  const random = (): string => Buffer.from(environment.randomBytes(32)).toString('base64url')
  const [id, secret, refreshSecret] = [timedId(now, environment.randomBytes(10)), random(), random()]
  const grant = newGrant({ id, codeHash: hashSecret(secret), refreshSecret, request, identity, tokens, scopes }, lifetimes, now)
  const login = { grantId: id, scopes: request.scopes, asked: remembered === undefined }
  // The lists name the grant before anybody can use it: its code goes out after all of these are written.
  await Promise.all([
    records.grants.create(id, grant),
    records.lists.add({ kind: 'subject-grants', id: identity.subject }, id, lifetimes.grant),
    records.lists.add({ kind: 'client-grants', id: request.clientId }, id, lifetimes.grant),
    // A client without a record is found by nobody else who looks for every grant.
    isSealedId(request.clientId) && records.lists.add({ kind: 'clients' }, request.clientId, lifetimes.grant),
    rememberAs !== undefined && remember(needs, rememberAs, login),
  ])
  emit({ type: 'grant.opened', clientId: request.clientId, grantId: id, subject: identity.subject, ...byProvider(identity.provider) })
  if (!coversScopes(expandScopes(needs.requiredScopes), resourceScopes(scopes)))
    emit({ type: 'scope.elevated', clientId: request.clientId, grantId: id, requested: request.scopes, granted: scopes })
  return formatCode({ grantId: id, secret })
}

// The login is good without it: the person is asked again, or another login of theirs, at the same moment, has written it.
async function remember({ records, emit }: OpenGrantNeeds, id: string, login: ConsentedLogin): Promise<void> {
  try {
    await records.rememberedConsents.change(id, (consent, now) => rememberConsent(consent, login, now))
  } catch (cause) {
    if (!(cause instanceof StoreUnavailable)) throw cause
    emit({ type: 'store.unavailable', endpoint: 'callback', reason: cause.name })
  }
}

async function grantScopes(
  { authorizeUser, expandScopes, environment }: OpenGrantNeeds,
  request: AuthorizationRequest,
  { said, ...identity }: Identified & Required<Pick<Identified, 'said'>>,
  tokens: UpstreamTokens,
): Promise<readonly string[]> {
  const upstream = upstreamAccess(tokens.accessToken, tokens.scopes ?? request.scopes, environment)
  const answer = await authorizeUser(identity, { ...upstream, said })
  // Whatever is neither a yes nor a list is a no: a hook in JavaScript that forgets to answer lets nobody in (threat T101).
  if (answer !== true && !Array.isArray(answer)) throw accessDenied('The person may not use this server.', 'authorize_user_said_no')
  // What the upstream does not know of is not its to refuse.
  const given =
    identity.provider === undefined && tokens.scopes
      ? narrowScopes(request.scopes, [...expandScopes(tokens.scopes), offlineAccess])
      : request.scopes
  return answer === true ? given : narrowScopes(given, expandScopes(answer))
}
