/** Begins the subjects that are ours to give; no upstream's begins so (ours, spec row R99). */
const ours = 'urn:drawbridge:'

/** The subject of a client that acts for itself (ours): never that of a person, who could not choose it (OAuth 2.1 §7.4). */
export function subjectOfClient(clientId: string): string {
  return `${ours}client:${encodeURIComponent(clientId)}`
}

/** The subject of whom an issuer knows by its own (ours): both together are unique and are never reused (RFC 7519 §4.1.2). */
export function subjectOfIssuer(issuer: string, subject: string): string {
  return `${ours}person:${encodeURIComponent(issuer)}:${encodeURIComponent(subject)}`
}

/** The subject of a person of one of several providers (ours): two upstreams may give one id to two people. A key has no `|`, so nothing else is spelled so. */
export function subjectOfProvider(key: string, subject: string): string {
  return `${key}|${subject}`
}

/** Whether a subject looks like one of those above (ours): an upstream's person must not become one. */
export function isOurSubject(subject: string): boolean {
  return subject.startsWith(ours)
}
