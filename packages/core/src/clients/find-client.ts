import type { Client } from '../records/client.ts'
import type { Records } from '../records/records.ts'

/** Finds a client by its id; undefined when nobody registered under it. */
export type FindClient = (clientId: string) => Promise<Client | undefined>

/** Finds the clients that the operator lists, and those that registered by themselves (RFC 7591). */
export function findClient(clients: Records['clients'], listed: ReadonlyMap<string, Client>): FindClient {
  return async (clientId) => listed.get(clientId) ?? clients.find(clientId)
}
