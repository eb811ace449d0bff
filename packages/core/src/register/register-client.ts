import type { Environment } from '../ports/environment.ts'
import type { ClientMetadata } from '../protocol/client-metadata.ts'
import { hashSecret } from '../protocol/compare.ts'
import { timedId } from '../protocol/identifiers.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import { type Client, newClient } from '../records/client.ts'
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

/** Registers a client under an id of ours (RFC 7591 §3.2.1). The record and its place in the list go out together. */
export async function registerClient({ records, environment }: RegisterNeeds, metadata: ClientMetadata): Promise<Registration> {
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
  return secret === undefined ? { client } : { client, secret }
}
