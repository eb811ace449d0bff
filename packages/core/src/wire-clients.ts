import { verifyAssertion } from './assertions/verify-assertion.ts'
import { type AuthenticateClient, authenticateClient } from './clients/authenticate-client.ts'
import { type FindClient, findClient } from './clients/find-client.ts'
import { proveByAssertion } from './clients/prove-by-assertion.ts'
import type { Config } from './config.ts'
import type { Environment } from './ports/environment.ts'
import type { Records } from './records/records.ts'

/** How clients are found, and how they prove themselves. */
export interface Clients {
  readonly findClient: FindClient
  readonly authenticateClient: AuthenticateClient
}

/** Furnishes the door for clients. */
export function wireClients({ issuer, staticClients }: Config, records: Records, environment: Environment): Clients {
  const find = findClient(records.clients, staticClients)
  const prove = proveByAssertion({
    issuer,
    records,
    verifyAssertion: verifyAssertion({ environment }),
    findClientKeys: async ({ jwks = [] }) => jwks,
  })
  return { findClient: find, authenticateClient: authenticateClient({ findClient: find, proveByAssertion: prove }) }
}
