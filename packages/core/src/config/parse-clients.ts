import type { KeyObject } from 'node:crypto'
import { sealingKey } from '../clients/sealed-clients.ts'
import { parseStaticClient, type StaticClient } from '../clients/static-client.ts'
import type { Store } from '../ports/store.ts'
import type { RegistrationPolicy } from '../protocol/client-metadata.ts'
import type { Client } from '../records/client.ts'
import { parseSecret, type SigningKey } from '../tokens/keys.ts'
import type { ClientOptions, OAuthProxyOptions, RegistrationOptions } from './options.ts'

/** How clients come to be registered, parsed. */
export interface RegistrationMode {
  readonly isOpen: boolean
  /** Whether a registration needs an initial access token (RFC 7591 §3). */
  readonly initialAccessToken: boolean
  /** Whether clients may change and remove what they registered (RFC 7592). */
  readonly managed: boolean
  /** The first seals, all open; none: clients are in the store. */
  readonly sealingKeys: readonly KeyObject[]
}

/** Whom this server knows, and whom it lets register. */
export interface ClientsConfig {
  readonly staticClients: ReadonlyMap<string, Client>
  readonly registration: RegistrationMode
}

/** Parses `clients.static` and `clients.registration`; what is wrong with them is added to `problems`. */
export function parseClients(
  { clients = {}, clientStorage }: OAuthProxyOptions,
  policy: RegistrationPolicy,
  signingKeys: readonly SigningKey[],
  problems: string[],
): ClientsConfig {
  return {
    staticClients: parseStaticClients(clients.static ?? [], policy, problems),
    registration: refuseWithoutLists(parseRegistration(clients.registration, signingKeys, problems), clientStorage, problems),
  }
}

// A client that removes itself takes its grants with it, and the list of them is where they are found (RFC 7592 §2.3).
function refuseWithoutLists(mode: RegistrationMode, store: Store | undefined, problems: string[]): RegistrationMode {
  if (mode.managed && store && !store.directory)
    problems.push('clients.registration.managed needs a store that keeps lists: this one has no directory')
  return mode
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

function parseRegistration(
  registration: ClientOptions['registration'] = 'open',
  signingKeys: readonly SigningKey[],
  problems: string[],
): RegistrationMode {
  const plain = { isOpen: registration === 'open', initialAccessToken: false, managed: false, sealingKeys: [] }
  if (registration === 'open' || registration === 'closed') return plain
  if (typeof registration !== 'object' || registration === null || Array.isArray(registration)) {
    problems.push("clients.registration is neither 'open' nor 'closed' nor an object of options")
    return plain
  }
  const { initialAccessToken = false, managed = false, sealedWith } = registration
  if (typeof initialAccessToken !== 'boolean') problems.push('clients.registration.initialAccessToken is neither true nor false')
  if (typeof managed !== 'boolean') problems.push('clients.registration.managed is neither true nor false')
  if (managed && sealedWith !== undefined)
    problems.push(
      'clients.registration.managed does not go with sealedWith: a sealed client is its id, so one that changed would be another',
    )
  return { isOpen: true, initialAccessToken, managed, sealingKeys: parseSealingKeys(sealedWith, signingKeys, problems) }
}

function parseSealingKeys(
  input: RegistrationOptions['sealedWith'],
  signingKeys: readonly SigningKey[],
  problems: string[],
): readonly KeyObject[] {
  if (input === undefined) return []
  const inputs = Array.isArray(input) ? input : [input]
  if (inputs.length === 0) problems.push('clients.registration.sealedWith is an empty list')
  return inputs.flatMap((secret: string | Uint8Array, index) => {
    const name = `clients.registration.sealedWith${inputs.length > 1 ? `[${index}]` : ''}`
    try {
      if (typeof secret !== 'string' && !(secret instanceof Uint8Array)) throw new TypeError('is neither a text nor bytes')
      const key = parseSecret(secret)
      if (!signingKeys.some(({ sign }) => sign.equals(key))) return [sealingKey(key)]
      problems.push(`${name} is a jwtSigningKey as well: each key does one thing`)
    } catch (cause) {
      problems.push(`${name} ${cause instanceof TypeError ? cause.message : 'cannot be read'}`)
    }
    return []
  })
}
