import { invalidScope } from '../protocol/errors.ts'
import { coversScopes, narrowScopes, parseScope, resourceScopes } from '../protocol/scope.ts'
import type { ExpandScopes } from '../protocol/scope-hierarchy.ts'
import type { Client } from '../records/client.ts'

/** Which scopes may be asked for. */
export interface RequestableScopes {
  readonly requiredScopes: readonly string[]
  readonly validScopes: readonly string[]
  readonly expandScopes: ExpandScopes
  /** Whether what a client registered is a limit, and not only what it gets when it asks for nothing. */
  readonly registeredIsLimit: boolean
}

/**
 * The scopes of a request (RFC 6749 §3.3). Clients ask for scopes they learned elsewhere (`openid email profile`): those are
 * dropped, and only when none is left the default is given (gotcha G10). What was asked for is never widened. Throws `invalid_scope`.
 */
export function chooseScopes(asked: string | undefined, client: Client, policy: RequestableScopes): readonly string[] {
  const parsed = asked === undefined ? [] : parseScope(asked)
  if (!parsed) throw invalidScope('The parameter scope has characters that no scope has.', 'scope_malformed')
  const known = narrowScopes(parsed, policy.validScopes)
  const ofResources = resourceScopes(known)
  const standard = defaultScopes(client, policy)
  // Whoever asks only to stay signed in says nothing of what for.
  if (ofResources.length === 0) return [...new Set([...standard, ...known])]
  if (policy.registeredIsLimit && !coversScopes(policy.expandScopes(standard), ofResources))
    throw invalidScope('The scope is wider than the one that the client registered.', 'scope_wider_than_registered')
  return known
}

/** What a client gets that asks for no scope: what it registered, of what is still here, or what every call needs (RFC 6749 §3.3). */
export function defaultScopes(
  { scope = [] }: Client,
  { requiredScopes, validScopes }: Omit<RequestableScopes, 'expandScopes' | 'registeredIsLimit'>,
): readonly string[] {
  const registered = narrowScopes(scope, validScopes)
  return resourceScopes(registered).length > 0 ? registered : [...new Set([...requiredScopes, ...registered])]
}
