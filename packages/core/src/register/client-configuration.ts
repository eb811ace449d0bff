import { z } from 'zod'
import { requireBearer } from '../http/bearer.ts'
import { type Handler, openEndpoint } from '../http/endpoint.ts'
import { readJson } from '../http/form.ts'
import type { Limiter } from '../http/rate-limit.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { parseClientMetadata, type RegistrationPolicy } from '../protocol/client-metadata.ts'
import { hashSecret, isSameSecret } from '../protocol/compare.ts'
import { invalidToken, OAuthError } from '../protocol/errors.ts'
import { parseParameters } from '../protocol/parameters.ts'
import { type Client, removeClient, replaceMetadata } from '../records/client.ts'
import type { Records } from '../records/records.ts'
import type { GrantEnding } from '../tokens/end-grant.ts'
import { newSecret } from './client-secrets.ts'
import { describeClient } from './describe-client.ts'

/** What the endpoint needs. */
export interface ClientConfigurationNeeds {
  readonly baseUrl: string
  readonly policy: RegistrationPolicy
  readonly records: Pick<Records, 'clients' | 'lists'>
  readonly ending: GrantEnding
  readonly environment: Environment
  readonly emit: Emit
  readonly limiter: Limiter
}

/** A client that proved by its registration access token that the registration is its own. */
interface Owner {
  readonly client: Client
  readonly registrationToken: string
}

/**
 * The client configuration endpoint (RFC 7592 §2): a client that registered reads what it registered, replaces it, or removes itself.
 * Its URL names the client, its registration access token proves it; the token stays the same, so no lost answer locks a client out.
 */
export function clientConfigurationEndpoint(needs: ClientConfigurationNeeds): Handler {
  const { environment, emit, limiter } = needs
  return openEndpoint({
    name: 'client-configuration',
    kind: 'api',
    environment,
    emit,
    limiter,
    limitedAs: 'register',
    async get(request) {
      const { client, registrationToken } = await proveOwner(needs, request)
      return answer(needs, client, { secret: undefined, registrationToken })
    },
    put: (request) => replace(needs, request),
    delete: (request) => remove(needs, request),
  })
}

// One text for an unknown client and for a token that is not its own (§2: 401 for both).
async function proveOwner({ records }: ClientConfigurationNeeds, request: Request): Promise<Owner> {
  const registrationToken = requireBearer(request, refusal)
  const { values } = parseParameters(new URL(request.url).searchParams, ['client_id'] as const)
  const client = values.client_id === undefined ? undefined : await records.clients.find(values.client_id)
  if (!client) throw invalidToken(refusal, 'client_unknown')
  if (!isSameSecret(hashSecret(registrationToken), client.registrationTokenHash ?? ''))
    throw invalidToken(refusal, 'registration_token_wrong')
  return { client, registrationToken }
}

const refusal = 'The client is unknown, or this is not its registration access token.'

// §2.2: what is left out is taken away, and what the client does not choose stays as it is, its secret above all.
async function replace(needs: ClientConfigurationNeeds, request: Request): Promise<Response> {
  const { client, registrationToken } = await proveOwner(needs, request)
  const json = await readJson(request)
  requireSame(json, client)
  const secret = newSecret(needs.environment)
  const replacement = { metadata: parseClientMetadata(json, needs.policy), newSecretHash: hashSecret(secret) }
  const changed = await needs.records.clients.change(client.id, (current) => replaceMetadata(current, replacement))
  if (!changed) throw invalidToken(refusal, 'client_unknown')
  needs.emit({ type: 'client.changed', clientId: client.id, clientName: changed.clientName })
  const isNew = isSameSecret(changed.secretHash ?? '', replacement.newSecretHash)
  return answer(needs, changed, { secret: isNew ? secret : undefined, registrationToken })
}

const named = z.object({ client_id: z.string(), client_secret: z.string().optional() })

// §2.2: the request names the client, and the secret in it, if there is one, is the client's own.
function requireSame(json: unknown, client: Client): void {
  const parsed = named.safeParse(json)
  const isSame =
    parsed.success &&
    parsed.data.client_id === client.id &&
    (parsed.data.client_secret === undefined || isSameSecret(hashSecret(parsed.data.client_secret), client.secretHash ?? ''))
  if (isSame) return
  const description = 'The client_id, or the client_secret, is not the one that was registered.'
  throw new OAuthError('invalid_client_metadata', description, { reason: 'client_id_or_secret_changed' })
}

// §2.3. The grants first: whoever is told of trouble can ask again as long as there is a client. Then those opened meanwhile.
async function remove(needs: ClientConfigurationNeeds, request: Request): Promise<Response> {
  const { records, ending, emit } = needs
  const { client } = await proveOwner(needs, request)
  const grants = { kind: 'client-grants', id: client.id } as const
  await ending.endListed(grants, 'client_removed')
  await records.clients.change(client.id, removeClient)
  await Promise.all([ending.endListed(grants, 'client_removed'), records.lists.remove({ kind: 'clients' }, client.id)])
  emit({ type: 'client.removed', clientId: client.id })
  return new Response(null, { status: 204 })
}

function answer({ baseUrl }: ClientConfigurationNeeds, client: Client, secrets: Parameters<typeof describeClient>[1]): Response {
  return Response.json(describeClient(client, secrets, baseUrl), { headers: { pragma: 'no-cache' } })
}
