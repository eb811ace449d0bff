import { z } from 'zod'
import { requireClientKeys } from './client-keys.ts'
import { unsafeClientUri } from './client-uris.ts'
import { deviceGrantType } from './device-code.ts'
import { OAuthError } from './errors.ts'
import type { PublicJwk } from './jwk-set.ts'
import { type RedirectPolicy, refuseRedirectUri } from './redirect-uri.ts'
import { narrowScopes, parseScope } from './scope.ts'

/** What a client says of itself, in our words and within our limits (RFC 7591 §2). */
export interface ClientMetadata {
  readonly redirectUris: readonly string[]
  readonly clientName?: string
  readonly grantTypes: readonly GrantType[]
  /** How it proves itself at the token and revocation endpoints (RFC 7591 §2). */
  readonly authentication: ClientAuthenticationMethod
  /** Every method it may use, where it lists several (OpenID Connect RP Metadata Choices §2); absent, `authentication` is the only one. */
  readonly authenticationChoices?: readonly ClientAuthenticationMethod[]
  /** Its public keys, or where they are (RFC 7591 §2); never both. */
  readonly jwks?: readonly PublicJwk[]
  readonly jwksUri?: string
  /** What the client asks for when a request names no scope. */
  readonly scope?: readonly string[]
  readonly applicationType?: 'native' | 'web'
  /** It only ever pushes its requests, so that any other is not its own (RFC 9126 §6). */
  readonly pushesRequests?: true
  /** It only ever takes access tokens that are bound to a key (RFC 9449 §5.2). */
  readonly bindsTokens?: true
}

/** The grant types a client of ours can have; it registers the first two and that of devices, and the operator lists those that need no login. */
export type GrantType =
  | 'authorization_code'
  | 'refresh_token'
  | 'client_credentials'
  | 'urn:ietf:params:oauth:grant-type:jwt-bearer'
  | typeof deviceGrantType

/**
 * How a client proves itself (RFC 7591 §2): not at all, by a secret in the header or the body (RFC 6749 §2.3.1), or by an
 * assertion that one of its keys signed (RFC 7523 §2.2).
 */
export type ClientAuthenticationMethod = 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'

/** Whether a client that registers this method is given a secret (RFC 7591 §3.2.1). */
export function needsSecret(method: ClientAuthenticationMethod): boolean {
  return method === 'client_secret_basic' || method === 'client_secret_post'
}

/** What the server allows a registration to ask for. */
export interface RegistrationPolicy extends RedirectPolicy {
  readonly validScopes: readonly string[]
  /** Undefined while requests cannot be pushed. */
  readonly pushedRequests?: 'allowed' | 'required' | undefined
  /** Undefined while tokens cannot be bound. */
  readonly dpop?: object | undefined
  /** Whether devices are served (RFC 8628). */
  readonly deviceGrant?: boolean
}

const body = z.looseObject({
  redirect_uris: z.array(z.string()).max(10).default([]),
  client_name: z.string().max(4096).optional(),
  token_endpoint_auth_method: z.enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']).optional(),
  grant_types: z.array(z.string().max(100)).max(20).optional(),
  response_types: z.array(z.string().max(100)).max(20).optional(),
  jwks: z.unknown().optional(),
  jwks_uri: z.unknown().optional(),
  scope: z.string().max(4096).optional(),
  application_type: z.enum(['native', 'web']).optional(),
  require_pushed_authorization_requests: z.boolean().optional(),
  dpop_bound_access_tokens: z.boolean().optional(),
})

const grantTypes: readonly GrantType[] = ['authorization_code', 'refresh_token']

/**
 * Parses a registration request (RFC 7591 §2). Unknown fields are dropped, unsupported values replaced where §2 allows it.
 * Throws `invalid_redirect_uri` or `invalid_client_metadata` (§3.2.2); nothing of the request is echoed.
 */
export function parseClientMetadata(json: unknown, policy: RegistrationPolicy): ClientMetadata {
  const parsed = body.safeParse(json)
  if (!parsed.success) throw refuseShape(parsed.error)
  const { data } = parsed
  const unsafe = unsafeClientUri(data)
  if (unsafe) throw new OAuthError('invalid_client_metadata', `The field ${unsafe} is not a web address.`, { reason: 'client_uri_refused' })
  const usable = requireGrantTypes(data.grant_types, data.response_types, policy)
  // Only what never goes through a browser has no need of one (RFC 7591 §2).
  if (data.redirect_uris.length === 0 && usable.includes('authorization_code')) throw refuseField('redirect_uris')
  for (const uri of data.redirect_uris) {
    const why = refuseRedirectUri(uri, policy) ?? refuseForWeb(uri, data.application_type)
    if (why) throw new OAuthError('invalid_redirect_uri', `A redirect URI ${why}.`, { reason: 'redirect_uri_refused' })
  }
  const scope = data.scope === undefined ? undefined : narrowScopes(parseScope(data.scope) ?? [], policy.validScopes)
  const clientName = data.client_name === undefined ? '' : cleanName(data.client_name)
  return {
    redirectUris: data.redirect_uris,
    grantTypes: usable,
    // Left out, RFC 7591 means client_secret_basic; but most MCP clients run on people's computers, where a secret is none, and
    // all of them follow the method in the answer (gotcha G7).
    authentication: data.token_endpoint_auth_method ?? 'none',
    // Of a client that does not sign they are dropped like any unknown field: nothing here would read them.
    ...(data.token_endpoint_auth_method === 'private_key_jwt' && requireClientKeys(data.jwks, data.jwks_uri)),
    ...(clientName && { clientName }),
    ...(scope?.length && { scope }),
    ...(data.application_type && { applicationType: data.application_type }),
    ...(policy.dpop && data.dpop_bound_access_tokens && { bindsTokens: true }),
    ...(policy.pushedRequests && data.require_pushed_authorization_requests && { pushesRequests: true }),
  }
}

// Only a client that says so is held to it: most name no type, and receive on loopback (OpenID Connect Registration §2).
function refuseForWeb(uri: string, applicationType: ClientMetadata['applicationType']): string | undefined {
  return applicationType === 'web' && !uri.startsWith('https:') ? 'of a web application is not https' : undefined
}

function refuseShape(error: z.ZodError): OAuthError {
  return refuseField(error.issues[0]?.path[0])
}

function refuseField(field: PropertyKey | undefined): OAuthError {
  const description =
    field === undefined ? 'The body is not a JSON object.' : `The field ${String(field)} is missing or not as RFC 7591 has it.`
  return field === 'redirect_uris'
    ? new OAuthError('invalid_redirect_uri', description, { reason: 'redirect_uris_malformed' })
    : new OAuthError('invalid_client_metadata', description, { reason: 'metadata_malformed' })
}

/**
 * Those of the grant types asked for that a client can have (RFC 7591 §2). Without a list §2 means authorization_code alone; MCP
 * clients that leave it out (SDK v1) still expect to refresh. Throws `invalid_client_metadata`.
 */
export function requireGrantTypes(
  asked: readonly string[] = grantTypes,
  responseTypes: readonly string[] | undefined,
  { deviceGrant }: Pick<RegistrationPolicy, 'deviceGrant'>,
): readonly GrantType[] {
  const usable = [...grantTypes, ...(deviceGrant ? [deviceGrantType] : [])].filter((type) => asked.includes(type))
  if (usable.includes('authorization_code') ? !(responseTypes ?? ['code']).includes('code') : !usable.includes(deviceGrantType)) {
    throw new OAuthError('invalid_client_metadata', 'Clients use the grant type authorization_code and the response type code.', {
      reason: 'grant_types_unsupported',
    })
  }
  return usable
}

/**
 * A name without what hides or imitates: control, bidirectional, zero-width and otherwise invisible characters; composed, and
 * 100 characters at most (threat T37, ours).
 */
export function cleanName(name: string): string {
  const visible = name.replace(/[\p{C}\p{DI}\p{Zl}\p{Zp}]/gu, '').normalize('NFC')
  const characters = [...visible.replace(/\s+/gu, ' ').trim()].slice(0, 100)
  return characters.join('').trimEnd()
}
