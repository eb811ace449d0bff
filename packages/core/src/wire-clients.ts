import { verifyAssertion } from './assertions/verify-assertion.ts'
import { type AuthenticateClient, authenticateClient } from './clients/authenticate-client.ts'
import { clientKeys } from './clients/client-keys.ts'
import { documentClients } from './clients/document-clients.ts'
import { type FindClient, findClient } from './clients/find-client.ts'
import { guardedFetch } from './clients/guarded-fetch.ts'
import { type InitialAccessTokens, initialAccessTokens } from './clients/initial-access-tokens.ts'
import { proveByAssertion } from './clients/prove-by-assertion.ts'
import { type SealedClients, sealedClients } from './clients/sealed-clients.ts'
import type { Config } from './config/config.ts'
import type { Limiter } from './http/rate-limit.ts'
import type { Environment } from './ports/environment.ts'
import type { Emit } from './ports/events.ts'
import type { Records } from './records/records.ts'

/** How clients are found, and how they prove themselves. */
export interface Clients {
  /** For a login: the client as it is now. */
  readonly findCurrentClient: FindClient
  /** For what was granted before: the client as it was last known. */
  readonly findClient: FindClient
  readonly authenticateClient: AuthenticateClient
  readonly initialAccessTokens: InitialAccessTokens
  readonly sealed: SealedClients | undefined
}

/** What finding them needs. */
interface ClientsNeeds {
  readonly records: Records
  readonly limiter: Limiter
  readonly environment: Environment
  readonly emit: Emit
}

/** Furnishes the door for clients. */
export function wireClients(config: Config, { records, limiter, environment, emit }: ClientsNeeds): Clients {
  const { issuer, baseUrl, staticClients: listed, documentHosts: hosts, registration } = config
  const [key, ...keys] = registration.sealingKeys
  const sealed = key && sealedClients({ keys: [key, ...keys], issuer, environment })
  const allowLoopback = hosts?.allowLoopback ?? false
  const ownOrigins = [issuer, baseUrl].map((url) => new URL(url).origin)
  const fetchJson = guardedFetch({ environment, ownOrigins, allowLoopback })
  const documents = documentClients({ fetchJson, policy: { ...config, allowLoopback }, records, limiter, environment, emit })
  const findIn = (find: FindClient): FindClient =>
    findClient({ clients: records.clients, listed, sealed, documents: hosts && { hosts, find } })
  const find = findIn(documents.findKnown)
  const prove = proveByAssertion({
    issuer,
    records,
    verifyAssertion: verifyAssertion({ environment }),
    findClientKeys: clientKeys({ fetchJson, readAgain: documents.readAgain, limiter, environment, emit }),
  })
  return {
    findCurrentClient: findIn(documents.findCurrent),
    findClient: find,
    authenticateClient: authenticateClient({ findClient: find, proveByAssertion: prove }),
    initialAccessTokens: initialAccessTokens(records, environment, emit),
    sealed,
  }
}
