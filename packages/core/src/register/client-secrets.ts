import type { Environment } from '../ports/environment.ts'

/** What only a client may know of its registration; undefined where there is none, or where only its hash is left. */
export interface ClientSecrets {
  readonly secret: string | undefined
  /** The registration access token (RFC 7592 §3). */
  readonly registrationToken: string | undefined
}

/** A client secret: 256 random bits. */
export function newSecret(environment: Pick<Environment, 'randomBytes'>): string {
  return Buffer.from(environment.randomBytes(32)).toString('base64url')
}

/** A registration access token: a prefix that secret scanners find, and 256 random bits. */
export function newRegistrationToken(environment: Pick<Environment, 'randomBytes'>): string {
  return `db_rat_${newSecret(environment)}`
}
