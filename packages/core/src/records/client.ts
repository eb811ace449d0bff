import { z } from 'zod'
import { type ClientAuthenticationMethod, type ClientMetadata, needsSecret } from '../protocol/client-metadata.ts'
import { deviceGrantType } from '../protocol/device-code.ts'
import { publicJwkShape } from '../protocol/jwk-set.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import type { Outcome } from './collection.ts'

/** A client as it registered (RFC 7591). */
export interface Client extends ClientMetadata {
  readonly id: string
  /** The hash of the client's secret, if it has one. */
  readonly secretHash?: string
  /** The hash of its registration access token, where it may change and remove what it registered (RFC 7592). */
  readonly registrationTokenHash?: string
  /** Of a client whose id is the URL of its metadata document: when that was read, and until when it is not read again. */
  readonly document?: { readonly readAt: UnixSeconds; readonly freshUntil: UnixSeconds }
  readonly createdAt: UnixSeconds
  readonly endsAt: UnixSeconds
}

const methodShape = z.enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'])

/** The stored shape of a {@link Client}; unknown fields are kept and written back. */
export const clientShape: z.ZodType<Client> = z.looseObject({
  id: z.string(),
  redirectUris: z.array(z.string()),
  clientName: z.string().exactOptional(),
  grantTypes: z.array(z.enum(['authorization_code', 'refresh_token', deviceGrantType])),
  scope: z.array(z.string()).exactOptional(),
  // A record of before there were secrets is one of a public client.
  authentication: methodShape.default('none'),
  authenticationChoices: z.array(methodShape).exactOptional(),
  jwks: z.array(publicJwkShape).exactOptional(),
  jwksUri: z.string().exactOptional(),
  secretHash: z.string().exactOptional(),
  registrationTokenHash: z.string().exactOptional(),
  document: z.looseObject({ readAt: z.number(), freshUntil: z.number() }).exactOptional(),
  applicationType: z.enum(['native', 'web']).exactOptional(),
  pushesRequests: z.literal(true).exactOptional(),
  bindsTokens: z.literal(true).exactOptional(),
  createdAt: z.number(),
  endsAt: z.number(),
})

/** Whether the client may prove itself by this method: the one it registered, or one of those it lists. */
export function mayAuthenticateBy({ authentication, authenticationChoices = [] }: Client, method: ClientAuthenticationMethod): boolean {
  return method === authentication || authenticationChoices.includes(method)
}

/** Whether the client may come without proving anything (RFC 6749 §2.1). */
export function isPublicClient(client: Client): boolean {
  return mayAuthenticateBy(client, 'none')
}

/** A registration that nobody has used yet. */
export function newClient(
  id: string,
  metadata: ClientMetadata,
  hashes: Pick<Client, 'secretHash' | 'registrationTokenHash'>,
  now: UnixSeconds,
): Client {
  return { id, ...metadata, ...hashes, createdAt: now, endsAt: now + fixedLifetimes.clientUnused }
}

/** The client as its document describes it now; a document read before lives on, as long as it had. */
export function clientOfDocument(
  known: Client | undefined,
  url: string,
  metadata: ClientMetadata,
  freshUntil: UnixSeconds,
  now: UnixSeconds,
): Client {
  const endsAt = Math.max(known?.endsAt ?? 0, now + fixedLifetimes.clientUnused)
  return { id: url, ...metadata, document: { readAt: now, freshUntil }, createdAt: known?.createdAt ?? now, endsAt }
}

/** What replaces what a client registered, and the hash of the secret it is given if it needs one and has none. */
export interface Replacement {
  readonly metadata: ClientMetadata
  readonly newSecretHash: string
}

/** Replaces all that the client says of itself (RFC 7592 §2.2); its id, its times and its token stay, and its secret while it needs one. */
export function replaceMetadata(client: Client | undefined, { metadata, newSecretHash }: Replacement): Outcome<Client, Client | undefined> {
  if (!client) return { answer: undefined }
  const { id, registrationTokenHash, createdAt, endsAt } = client
  const next: Client = {
    id,
    ...metadata,
    ...(needsSecret(metadata.authentication) && { secretHash: client.secretHash ?? newSecretHash }),
    ...(registrationTokenHash !== undefined && { registrationTokenHash }),
    createdAt,
    endsAt,
  }
  return { next, answer: next }
}

/** Ends a registration; answers whether there was one. */
export function removeClient(client: Client | undefined): Outcome<Client, boolean> {
  return client ? { next: 'gone', answer: true } : { answer: false }
}

/** Whether a redemption should extend the client's registration. */
export function isClientDue(client: Client, now: UnixSeconds): boolean {
  return client.endsAt - now < fixedLifetimes.clientRenewal
}

/** Extends a registration that is in use; answers whether it did. */
export function renewClient(client: Client | undefined, now: UnixSeconds): Outcome<Client, boolean> {
  if (!client || !isClientDue(client, now)) return { answer: false }
  return { next: { ...client, endsAt: now + fixedLifetimes.client }, answer: true }
}
