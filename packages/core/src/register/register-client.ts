import type { Admission } from '../clients/initial-access-tokens.ts'
import type { SealedClients } from '../clients/sealed-clients.ts'
import type { Environment } from '../ports/environment.ts'
import { type ClientMetadata, needsSecret } from '../protocol/client-metadata.ts'
import { hashSecret } from '../protocol/compare.ts'
import { invalidToken } from '../protocol/errors.ts'
import { timedId } from '../protocol/identifiers.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import { type Client, newClient, removeClient } from '../records/client.ts'
import type { Records } from '../records/records.ts'
import { type ClientSecrets, newRegistrationToken, newSecret } from './client-secrets.ts'

/** What registering needs. */
export interface RegisterNeeds {
  readonly records: Pick<Records, 'clients' | 'lists'>
  /** Keeps clients in their ids. Absent: in the store. */
  readonly sealed: Pick<SealedClients, 'seal'> | undefined
  /** Whether clients may change and remove what they registered (RFC 7592). */
  readonly managed: boolean
  readonly environment: Environment
}

/** A client as it has just registered. What is secret is told this once, and kept as a hash. */
export interface Registration extends ClientSecrets {
  readonly client: Client
}

/**
 * Registers a client under an id of ours (RFC 7591 §3.2.1), which nobody knows before the answer; where an initial access token is
 * due, taking a use of it is the last step. Throws `invalid_token` when another registration took the last use, and
 * `invalid_client_metadata` for what does not fit into a sealed id.
 */
export async function registerClient(
  needs: RegisterNeeds,
  metadata: ClientMetadata,
  admission: Admission | undefined,
): Promise<Registration> {
  const { sealed, managed, environment } = needs
  const secret = needsSecret(metadata.authentication) ? newSecret(environment) : undefined
  const registrationToken = managed ? newRegistrationToken(environment) : undefined
  const hashes = {
    ...(secret !== undefined && { secretHash: hashSecret(secret) }),
    ...(registrationToken !== undefined && { registrationTokenHash: hashSecret(registrationToken) }),
  }
  const client = sealed ? sealed.seal({ ...metadata, ...hashes, createdAt: environment.now() }) : await storeClient(needs, metadata, hashes)
  if (admission && !(await admission.spend())) {
    if (!sealed) await withdrawClient(needs, client.id)
    throw invalidToken('The initial access token was used up in this moment.', 'initial_access_token_spent')
  }
  return { client, secret, registrationToken }
}

// The record and its place in the list go out together.
async function storeClient(
  { records, environment }: RegisterNeeds,
  metadata: ClientMetadata,
  hashes: Parameters<typeof newClient>[2],
): Promise<Client> {
  const now = environment.now()
  const client = newClient(timedId(now, environment.randomBytes(10)), metadata, hashes, now)
  await Promise.all([
    records.clients.create(client.id, client),
    records.lists.add({ kind: 'clients' }, client.id, fixedLifetimes.clientUnused),
  ])
  return client
}

async function withdrawClient({ records }: RegisterNeeds, clientId: string): Promise<void> {
  await Promise.all([records.clients.change(clientId, removeClient), records.lists.remove({ kind: 'clients' }, clientId)])
}
