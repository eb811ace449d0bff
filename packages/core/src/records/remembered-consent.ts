import { z } from 'zod'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import type { Outcome } from './collection.ts'
import type { AuthorizationRequest } from './transaction.ts'

/** A yes that is good again: in one browser, for the same client, redirect URI and resource, and for no more scopes (spec row R66). */
export interface RememberedConsent {
  /** The grant of the newest login. It says whose yes this was, and the yes counts only while it lives: who revokes it is asked again. */
  readonly grantId: string
  /** The scopes that the person said yes to. */
  readonly scopes: readonly string[]
  readonly endsAt: UnixSeconds
}

/** The stored shape of a {@link RememberedConsent}. */
export const rememberedConsentShape: z.ZodType<RememberedConsent> = z.looseObject({
  grantId: z.string(),
  scopes: z.array(z.string()),
  endsAt: z.number(),
})

/** The id of what a browser remembers about such a request. `browser` is the hash of its consent cookie. */
export function rememberedConsentId(browser: string, { clientId, redirectUri, resource }: AuthorizationRequest): string {
  return JSON.stringify([browser, clientId, redirectUri, resource])
}

/** A login that has come to its grant, and whether the person was asked for it. */
export interface ConsentedLogin {
  readonly grantId: string
  readonly scopes: readonly string[]
  readonly asked: boolean
}

/** Remembers the yes of a login. One that went on without a question moves the yes to its grant, and makes it no longer and no wider. */
export function rememberConsent(
  consent: RememberedConsent | undefined,
  { grantId, scopes, asked }: ConsentedLogin,
  now: UnixSeconds,
): Outcome<RememberedConsent, void> {
  if (asked) return { next: { grantId, scopes, endsAt: now + fixedLifetimes.rememberedConsent }, answer: undefined }
  return consent ? { next: { ...consent, grantId }, answer: undefined } : { answer: undefined }
}

/** Forgets it. */
export function forgetConsent(consent: RememberedConsent | undefined): Outcome<RememberedConsent, void> {
  return consent ? { next: 'gone', answer: undefined } : { answer: undefined }
}
