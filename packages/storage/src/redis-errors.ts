/** A command that did not leave this process: there was nobody to send it to. */
export class NotSent extends Error {
  override readonly name: string = 'NotSent'
}

/** Errors of a command that never left this process. Every other failure of a connection leaves it unknown whether the server executed it. */
const unsent: readonly string[] = ['NotSent', 'ClientOfflineError', 'ClientClosedError']

/** Error replies of a server that executed nothing, and may the next time: it loads its data, or a Cluster rearranges itself. */
const passing = /^(LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN) /

/** How `@redis/client` calls an error that the server replied with. */
const replies: readonly string[] = ['ErrorReply', 'SimpleError', 'BlobError']

/** Whether the server has replied, and be it with an error. */
export function isReply(cause: unknown): cause is Error {
  return cause instanceof Error && replies.includes(cause.constructor.name)
}

/** Whether a node says that it has become a replica: nothing was executed, and another one has taken over. */
export function isDemoted(cause: unknown): boolean {
  // Before version 7 the reply of a script has its own words around it.
  return cause instanceof Error && /(^|-)READONLY /.test(cause.message)
}

/** Whether the command was certainly not executed, and can be sent again as it is. */
export function isNotExecuted(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false
  return isDemoted(cause) || passing.test(cause.message) || unsent.includes(cause.constructor.name)
}

/** Whether this server, or this login, has no such command: managed servers forbid some. */
export function isForbidden(cause: unknown): boolean {
  return isReply(cause) && /^(NOPERM|ERR) /.test(cause.message)
}
