import type { PublicJwk } from '../protocol/jwk-set.ts'
import type { Client } from '../records/client.ts'

/**
 * Finds the public keys of a client: those it registered, or those at its `jwks_uri`. Where none of them has the `kid`, they
 * are read again, though not for every stranger who makes one up. A client without keys has none. Rejects with
 * `temporarily_unavailable` when they could not be read.
 */
export type FindClientKeys = (client: Client, kid: string | undefined) => Promise<readonly PublicJwk[]>
