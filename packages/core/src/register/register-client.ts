import type { Admission } from '../clients/initial-access-tokens.ts'
import type { Environment } from '../ports/environment.ts'
import type { ClientMetadata } from '../protocol/client-metadata.ts'
import { hashSecret } from '../protocol/compare.ts'
import { invalidToken } from '../protocol/errors.ts'
import { timedId } from '../protocol/identifiers.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import { type Client, newClient, removeClient } from '../records/client.ts'
import type { Records } from '../records/records.ts'

/** What registering needs. */
export interface RegisterNeeds {
  readonly records: Pick<Records, 'clients' | 'lists'>
  readonly environment: Environment
}

/** A client as it has just registered. Its secret is told this once, and kept as a hash. */
export interface Registration {
  readonly client: Client
  readonly secret?: string
}

/**
 * Registers a client under an id of ours (RFC 7591 §3.2.1). The record and its place in the list go out together, under an id that
 * nobody knows; where an initial access token is due, taking a use of it is what makes the id known. Throws `invalid_token` when
 * another registration took the last one.
 */
export async function registerClient(
  { records, environment }: RegisterNeeds,
  metadata: ClientMetadata,
  admission: Admission | undefined,
): Promise<Registration> {
  const now = environment.now()
  const secret =
    metadata.authentication === 'none' || metadata.authentication === 'private_key_jwt'
      ? undefined
      : Buffer.from(environment.randomBytes(32)).toString('base64url')
  const client = newClient(timedId(now, environment.randomBytes(10)), metadata, secret && hashSecret(secret), now)
  await Promise.all([
    records.clients.create(client.id, client),
    records.lists.add({ kind: 'clients' }, client.id, fixedLifetimes.clientUnused),
  ])
  if (admission && !(await admission.spend())) {
    await Promise.all([records.clients.change(client.id, removeClient), records.lists.remove({ kind: 'clients' }, client.id)])
    throw invalidToken('The initial access token was used up in this moment.', 'initial_access_token_spent')
  }
  return secret === undefined ? { client } : { client, secret }
}
