import { OAuthError } from '@drawbridge/core'

/** The upstream signed somebody in whom the operator has not let in: the client is told `access_denied`, as when the person says no (RFC 6749 §4.1.2.1). */
export function personOfAnotherOrganisation(): OAuthError {
  return new OAuthError('access_denied', 'The person may not use this server.', { reason: 'person_of_another_organisation' })
}
