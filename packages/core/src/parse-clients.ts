import { parseStaticClient, type StaticClient } from './clients/static-client.ts'
import type { ClientOptions, OAuthProxyOptions } from './options.ts'
import type { RegistrationPolicy } from './protocol/client-metadata.ts'
import type { Client } from './records/client.ts'

/** How clients come to be registered, parsed. */
export interface RegistrationMode {
  readonly isOpen: boolean
  /** Whether a registration needs an initial access token (RFC 7591 §3). */
  readonly initialAccessToken: boolean
}

/** Whom this server knows, and whom it lets register. */
export interface ClientsConfig {
  readonly staticClients: ReadonlyMap<string, Client>
  readonly registration: RegistrationMode
}

/** Parses `clients.static` and `clients.registration`; what is wrong with them is added to `problems`. */
export function parseClients({ clients = {} }: OAuthProxyOptions, policy: RegistrationPolicy, problems: string[]): ClientsConfig {
  return {
    staticClients: parseStaticClients(clients.static ?? [], policy, problems),
    registration: parseRegistration(clients.registration, problems),
  }
}

function parseStaticClients(clients: readonly StaticClient[], policy: RegistrationPolicy, problems: string[]): ReadonlyMap<string, Client> {
  const parsed = clients.flatMap((client): [string, Client][] => {
    try {
      return [[client.clientId, parseStaticClient(client, policy)]]
    } catch (cause) {
      problems.push(`the static client ${JSON.stringify(client.clientId)} ${cause instanceof TypeError ? cause.message : 'cannot be read'}`)
      return []
    }
  })
  if (new Set(clients.map(({ clientId }) => clientId)).size < clients.length) problems.push('clients.static lists a clientId twice')
  return new Map(parsed)
}

function parseRegistration(registration: ClientOptions['registration'] = 'open', problems: string[]): RegistrationMode {
  if (registration === 'open' || registration === 'closed') return { isOpen: registration === 'open', initialAccessToken: false }
  if (typeof registration !== 'object' || registration === null) {
    problems.push("clients.registration is neither 'open' nor 'closed' nor an object of options")
    return { isOpen: false, initialAccessToken: false }
  }
  const { initialAccessToken = false } = registration
  if (typeof initialAccessToken !== 'boolean') problems.push('clients.registration.initialAccessToken is neither true nor false')
  return { isOpen: true, initialAccessToken }
}
