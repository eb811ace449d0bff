/** As a parser would write it, which {@link isDocumentUrl} asks for beside: no user, no query, not even an empty one, no fragment. */
const documentUrl = /^(https?):\/\/([^/?#@\\:]*[^/?#@\\:.]|\[[0-9a-f:.]+\])(:\d{1,5})?(\/[^?#\\]+)$/

const loopbackHost = /^(127\.0\.0\.1|\[::1\]|localhost)$/

/**
 * Whether `clientId` is the URL of a client metadata document (draft-ietf-oauth-client-id-metadata-document-00 §3): https, a
 * host, a path, and nothing that a parser would rewrite, such as dot segments, so that the text compared is the text fetched.
 * With `allowLoopback` also http on this machine.
 */
export function isDocumentUrl(clientId: string, { allowLoopback }: { readonly allowLoopback: boolean }): boolean {
  if (clientId.length > 2048 || !/^[\x21-\x7e]+$/.test(clientId)) return false
  const [, scheme, host = ''] = documentUrl.exec(clientId) ?? []
  if (scheme === undefined || !URL.canParse(clientId) || new URL(clientId).href !== clientId) return false
  return scheme === 'https' || (allowLoopback && loopbackHost.test(host))
}

/** Whether a client id can only be a document's, so that it is nobody's where documents are off (§3 of the same draft). */
export function isUrlLike(clientId: string): boolean {
  return /^https?:/i.test(clientId)
}
