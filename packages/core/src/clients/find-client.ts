import type { Client } from '../records/client.ts'
import type { Records } from '../records/records.ts'

/** Finds a client by its id; undefined when nobody registered under it. */
export type FindClient = (clientId: string) => Promise<Client | undefined>

/** Finds clients that registered (RFC 7591). */
export function findClient(clients: Records['clients']): FindClient {
  return (clientId) => clients.find(clientId)
}
