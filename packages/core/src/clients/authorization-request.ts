import type { GrantType } from '../protocol/client-metadata.ts'
import { isThumbprint } from '../protocol/dpop.ts'
import { invalidRequest, invalidTarget, OAuthError } from '../protocol/errors.ts'
import { hasForbiddenCharacter, type Parameters } from '../protocol/parameters.ts'
import { isChallenge } from '../protocol/pkce.ts'
import { findResource } from '../protocol/resource.ts'
import type { Client } from '../records/client.ts'
import type { AuthorizationRequest } from '../records/transaction.ts'
import { chooseScopes, type RequestableScopes } from './choose-scopes.ts'

/** The parameters of the authorization endpoint (RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2, RFC 9449 §10), and those we have to refuse. */
export const authorizeNames = [
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'code_challenge',
  'code_challenge_method',
  'state',
  'scope',
  'resource',
  'prompt',
  'dpop_jkt',
  'request',
  'request_uri',
] as const

/** One of {@link authorizeNames}. */
export type AuthorizeName = (typeof authorizeNames)[number]

/** What a request is judged by. */
export interface RequestPolicy extends RequestableScopes {
  readonly resources: readonly string[]
  /** The one of a request that names none; undefined where it has to name one. */
  readonly defaultResource: string | undefined
  /** Undefined while tokens cannot be bound: then `dpop_jkt` is not looked at. */
  readonly dpop?: object | undefined
  /** By which its client redeems the answer, and has to have registered for. Default: `authorization_code`. */
  readonly grantType?: GrantType
}

/** The client's `state`, if it can be returned unchanged (RFC 6749 §4.1.2); undefined otherwise, and when there is none. */
export function returnableState({ values }: Parameters<AuthorizeName>): string | undefined {
  return values.state !== undefined && isReturnable(values.state) ? values.state : undefined
}

// The form of the consent page carries it, sealed, and bodies have their limit; what clients send is a tenth of this.
function isReturnable(state: string): boolean {
  return !hasForbiddenCharacter(state) && Buffer.byteLength(state) <= 4096
}

/** Judges a request whose client and redirect URI are proven. Throws the error that goes to the client. */
export function parseAuthorizationRequest(
  parameters: Parameters<AuthorizeName>,
  client: Client,
  redirectUri: string,
  policy: RequestPolicy,
): AuthorizationRequest {
  const { values, repeated } = parameters
  const state = returnableState(parameters)
  if (repeated[0]) throw invalidRequest(`The parameter ${repeated[0]} was sent more than once.`, 'parameter_repeated')
  if (values.state !== undefined && state === undefined)
    throw invalidRequest('The parameter state is too long, or has characters that cannot be returned.', 'state_malformed')
  if (!client.grantTypes.includes(policy.grantType ?? 'authorization_code'))
    throw new OAuthError('unauthorized_client', 'The client did not register this grant type.', { reason: 'grant_type_unregistered' })
  refuseUnsupported(values)
  return {
    clientId: client.id,
    redirectUri,
    ...(state !== undefined && { state }),
    challenge: requireChallenge(values.code_challenge, values.code_challenge_method),
    scopes: chooseScopes(values.scope, client, policy),
    resource: chooseResource(values.resource, policy),
    ...(policy.dpop && values.dpop_jkt !== undefined && { boundTo: requireThumbprint(values.dpop_jkt) }),
  }
}

function refuseUnsupported(values: Parameters<AuthorizeName>['values']): void {
  const refuse = (
    code: 'request_not_supported' | 'request_uri_not_supported' | 'unsupported_response_type' | 'interaction_required',
    text: string,
  ) => new OAuthError(code, text, { reason: code })
  if (values.request !== undefined) throw refuse('request_not_supported', 'Request objects are not supported.')
  if (values.request_uri !== undefined) throw refuse('request_uri_not_supported', 'Request objects are not supported.')
  if (values.response_type === undefined) throw invalidRequest('The parameter response_type is missing.', 'response_type_missing')
  if (values.response_type !== 'code') throw refuse('unsupported_response_type', 'The response type is not code.')
  if (values.response_mode !== undefined && values.response_mode !== 'query')
    throw invalidRequest('The response mode is not query.', 'response_mode_unsupported')
  if (values.prompt?.split(' ').includes('none')) throw refuse('interaction_required', 'The person has to be asked.')
}

// An absent method means plain (RFC 7636 §4.3), which is not accepted.
function requireChallenge(challenge: string | undefined, method: string | undefined): string {
  if (challenge === undefined) throw invalidRequest('The parameter code_challenge is missing.', 'challenge_missing')
  if (method !== 'S256') throw invalidRequest('The code challenge method is not S256.', 'challenge_method_unsupported')
  if (!isChallenge(challenge)) throw invalidRequest('The code challenge is not one that S256 makes.', 'challenge_malformed')
  return challenge
}

function requireThumbprint(text: string): string {
  if (!isThumbprint(text)) throw invalidRequest('The parameter dpop_jkt is not the SHA-256 thumbprint of a key.', 'thumbprint_malformed')
  return text
}

function chooseResource(asked: string | undefined, { resources, defaultResource }: RequestPolicy): string {
  const resource = asked === undefined ? defaultResource : findResource(asked, resources)
  if (resource === undefined)
    throw invalidTarget('The resource is not one of this server.', asked === undefined ? 'resource_missing' : 'resource_unknown')
  return resource
}
