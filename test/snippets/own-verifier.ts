//#region own-verifier
import { OAuthError, type TokenVerifier } from '@drawbridge/core'

const keys = new Map([['partner-one', { subject: 'partner:1', scopes: ['notes:read'], isBlocked: false }]])

/** Tokens like `pk_partner-one`; a real one would hold a secret, and be looked up by its hash. */
export const partnerKeys: TokenVerifier = {
  async verify(token) {
    if (!token.startsWith('pk_')) return undefined
    const key = keys.get(token.slice('pk_'.length))
    if (!key || key.isBlocked) throw new OAuthError('invalid_token', 'The key is unknown or blocked.', { reason: 'partner_key_refused' })
    return { subject: key.subject, clientId: 'partners', scopes: key.scopes, claims: {} }
  },
}
//#endregion
