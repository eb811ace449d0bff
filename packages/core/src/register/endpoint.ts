import type { Admission, InitialAccessTokens } from '../clients/initial-access-tokens.ts'
import { requireBearer } from '../http/bearer.ts'
import { type Handler, openEndpoint } from '../http/endpoint.ts'
import { readJson } from '../http/form.ts'
import type { Limiter } from '../http/rate-limit.ts'
import type { Emit } from '../ports/events.ts'
import { parseClientMetadata, type RegistrationPolicy } from '../protocol/client-metadata.ts'
import { invalidToken } from '../protocol/errors.ts'
import { describeClient } from './describe-client.ts'
import { type RegisterNeeds, registerClient } from './register-client.ts'

/** What the endpoint needs. */
export interface RegisterEndpointNeeds extends RegisterNeeds {
  readonly baseUrl: string
  readonly policy: RegistrationPolicy
  /** Absent: anybody may register. */
  readonly initialAccessTokens: Pick<InitialAccessTokens, 'find'> | undefined
  readonly emit: Emit
  readonly limiter: Limiter
}

/**
 * Registration (RFC 7591): a client says what it is and is given an id. Nobody is asked and nothing is trusted: what a
 * client may do is decided by the person, on the consent page.
 */
export function registerEndpoint({ baseUrl, policy, initialAccessTokens, emit, limiter, ...needs }: RegisterEndpointNeeds): Handler {
  return openEndpoint({
    name: 'register',
    kind: 'api',
    environment: needs.environment,
    emit,
    limiter,
    limitedAs: 'register',
    async post(request) {
      const admission = initialAccessTokens && (await admit(request, initialAccessTokens))
      const registration = await registerClient(needs, parseClientMetadata(await readJson(request), policy), admission)
      const { client } = registration
      emit({
        type: 'client.registered',
        clientId: client.id,
        clientName: client.clientName,
        access: admission ? 'initial_access_token' : 'open',
        ...(admission && { initialAccessTokenId: admission.tokenId }),
        kept: needs.sealed ? 'sealed' : needs.managed ? 'managed' : 'stored',
      })
      return Response.json(describeClient(client, registration, baseUrl), { status: 201, headers: { pragma: 'no-cache' } })
    },
  })
}

// Before the body is looked at, and without spending anything (RFC 7591 §3.2.2 leaves the answer to RFC 6750).
async function admit(request: Request, tokens: Pick<InitialAccessTokens, 'find'>): Promise<Admission> {
  const admission = await tokens.find(requireBearer(request, refusal))
  if (!admission) throw invalidToken(refusal, 'initial_access_token_unknown')
  return admission
}

const refusal = 'Registration here needs an initial access token, and this is none that is good.'
