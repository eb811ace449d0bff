import { z } from 'zod'
import type { Identity, UpstreamTokens } from '../ports/upstream.ts'
import { fixedLifetimes, type Lifetimes } from '../protocol/lifetimes.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import type { AuthorizationRequest } from './transaction.ts'

/**
 * What a person granted a client, with everything that hangs on it: one record, so that one write decides. One that was given at
 * once, to a client for itself or for an assertion, has no code, no upstream, and no use for refresh tokens.
 */
export interface Grant {
  readonly id: string
  readonly clientId: string
  /** Who it is of. It names the provider, where there are several: whose tokens are in `upstream`. */
  readonly identity: Identity
  /** The granted scopes. */
  readonly scopes: readonly string[]
  /** The one resource its tokens are for (RFC 8707). */
  readonly resource: string
  readonly createdAt: UnixSeconds
  readonly endsAt: UnixSeconds
  readonly code?: GrantCode
  readonly refresh: GrantRefresh
  readonly upstream?: GrantUpstream
}

/** A grant that came out of a login, and so has a code and the upstream's tokens. */
export interface LoginGrant extends Grant {
  readonly code: GrantCode
  readonly upstream: GrantUpstream
}

/** Whether a grant came out of a login. */
export function isOfLogin(grant: Grant | undefined): grant is LoginGrant {
  return grant?.code !== undefined && grant.upstream !== undefined
}

/** The authorization code of the grant: its hash stays as long as the grant, so that a replay is known for one (OAuth 2.1 §4.1.3). */
export interface GrantCode {
  readonly hash: string
  readonly challenge: string
  readonly redirectUri: string
  readonly expiresAt: UnixSeconds
  readonly spent: boolean
  /** The thumbprint of the key that has to be proven to redeem it (RFC 9449 §10). */
  readonly boundTo?: string
}

/** The refresh tokens of the grant. Every token is a generation and a mac by `secret`; nothing stored reveals one. */
export interface GrantRefresh {
  readonly secret: string
  /** Whether the client has use for refresh tokens; without it the grant lives as long as its access token. */
  readonly allowed: boolean
  /** The newest generation. */
  readonly generation: number
  /** Whether the client was seen using that generation, so that its answer did arrive. */
  readonly confirmed: boolean
  /** From here the generation before it is still answered for a minute: its rotation, or its first use. */
  readonly graceFrom: UnixSeconds
  /** The thumbprint of the key that has to be proven to use one, where that is all that proves the client (RFC 9449 §5). */
  readonly boundTo?: string
}

/** The upstream's tokens, and how the upstream last answered about them. */
export interface GrantUpstream {
  readonly accessToken: string
  readonly refreshToken?: string
  readonly expiresAt?: UnixSeconds
  readonly scopes: readonly string[]
  /** Counts the refreshes, so that a late one is known to be late. */
  readonly seq: number
  /** When the upstream last vouched for the person. */
  readonly checkedAt: UnixSeconds
  /** Since when it could not be asked. */
  readonly unreachableSince?: UnixSeconds
}

/** The stored shape of a {@link Grant}. */
export const grantShape: z.ZodType<Grant> = z.looseObject({
  id: z.string(),
  clientId: z.string(),
  identity: z.looseObject({ subject: z.string(), provider: z.string().exactOptional(), claims: z.record(z.string(), z.unknown()) }),
  scopes: z.array(z.string()),
  resource: z.string(),
  createdAt: z.number(),
  endsAt: z.number(),
  code: z
    .looseObject({
      hash: z.string(),
      challenge: z.string(),
      redirectUri: z.string(),
      expiresAt: z.number(),
      spent: z.boolean(),
      boundTo: z.string().exactOptional(),
    })
    .exactOptional(),
  refresh: z.looseObject({
    secret: z.string(),
    allowed: z.boolean(),
    generation: z.number(),
    confirmed: z.boolean(),
    graceFrom: z.number(),
    boundTo: z.string().exactOptional(),
  }),
  upstream: z
    .looseObject({
      accessToken: z.string(),
      refreshToken: z.string().exactOptional(),
      expiresAt: z.number().exactOptional(),
      scopes: z.array(z.string()),
      seq: z.number(),
      checkedAt: z.number(),
      unreachableSince: z.number().exactOptional(),
    })
    .exactOptional(),
})

/** Whether the upstream's access token is worth refreshing before it is used. */
export function isUpstreamDue({ expiresAt }: GrantUpstream, now: UnixSeconds): boolean {
  return expiresAt !== undefined && expiresAt - now < fixedLifetimes.upstreamDue
}

/** Whether the upstream's access token has ended and there is nothing to get another one with. What is not there cannot end. */
export function isUpstreamOver(upstream: GrantUpstream | undefined, now: UnixSeconds): boolean {
  if (!upstream) return false
  const { expiresAt, refreshToken } = upstream
  return expiresAt !== undefined && expiresAt <= now && refreshToken === undefined
}

/** What a grant is made from, all of it known when the upstream has signed the person in. */
export interface GrantOpening {
  readonly id: string
  readonly codeHash: string
  readonly refreshSecret: string
  readonly request: AuthorizationRequest
  readonly identity: Identity
  readonly tokens: UpstreamTokens
  readonly scopes: readonly string[]
}

/** A grant whose code nobody has redeemed yet. */
export function newGrant(opening: GrantOpening, lifetimes: Lifetimes, now: UnixSeconds): LoginGrant {
  const { request, tokens } = opening
  return {
    id: opening.id,
    clientId: request.clientId,
    identity: opening.identity,
    scopes: opening.scopes,
    resource: request.resource,
    createdAt: now,
    endsAt: now + fixedLifetimes.grantPending,
    code: {
      hash: opening.codeHash,
      challenge: request.challenge,
      redirectUri: request.redirectUri,
      expiresAt: now + lifetimes.code,
      spent: false,
      ...(request.boundTo !== undefined && { boundTo: request.boundTo }),
    },
    refresh: { secret: opening.refreshSecret, allowed: false, generation: 0, confirmed: false, graceFrom: now },
    upstream: {
      accessToken: tokens.accessToken,
      ...(tokens.refreshToken !== undefined && { refreshToken: tokens.refreshToken }),
      ...(tokens.expiresAt !== undefined && { expiresAt: tokens.expiresAt }),
      scopes: tokens.scopes ?? opening.scopes,
      seq: 0,
      checkedAt: now,
    },
  }
}
