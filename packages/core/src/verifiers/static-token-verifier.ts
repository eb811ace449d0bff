import type { TokenVerifier, VerifiedToken, VerifierCall } from '../ports/token-verifier.ts'
import { hashSecret, isSameSecret } from '../protocol/compare.ts'
import { ConfigurationError } from '../protocol/errors.ts'
import { isScope } from '../protocol/scope.ts'
import { subjectOfClient } from '../protocol/subject.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import { parseSecret } from '../tokens/keys.ts'
import { refuseToken } from './read-claims.ts'

/** A token that the operator hands out, to a machine mostly. */
export interface StaticToken {
  /** At least 32 bytes at random, of the characters of RFC 6750 §2.1: `openssl rand -base64 32`. It is good until it is taken out of the table. */
  readonly token: string
  /** What has it: `AuthInfo.clientId`. */
  readonly clientId: string
  /** Default: none. */
  readonly scopes?: readonly string[]
  /** Whom it acts for. Default: the client itself, under a subject that no person has. */
  readonly subject?: string
  /** When it ends. Default: never. */
  readonly expiresAt?: UnixSeconds
}

/** A static token without its text. */
interface Listed {
  readonly hash: string
  readonly verified: VerifiedToken
}

/**
 * Verifies tokens out of a table, for machines that cannot log in. They are kept as hashes and compared in constant time. Throws `ConfigurationError` for a token that is
 * shorter than 32 bytes, can be guessed, or could not be sent, and for one that is listed twice.
 */
export class StaticTokenVerifier implements TokenVerifier {
  readonly #listed: readonly Listed[]

  constructor({ tokens }: { readonly tokens: readonly StaticToken[] }) {
    const problems = tokens.flatMap((each, index) => refuse(each).map((problem) => `token ${index + 1} ${problem}`))
    if (tokens.length === 0) problems.push('there is no token in the table')
    if (new Set(tokens.map(({ token }) => token)).size < tokens.length) problems.push('a token is listed twice')
    if (problems.length > 0) throw new ConfigurationError(problems.map((problem) => `StaticTokenVerifier: ${problem}`))
    this.#listed = tokens.map(({ token, ...about }) => ({ hash: hashSecret(token), verified: describe(about) }))
  }

  async verify(token: string, { environment }: VerifierCall): Promise<VerifiedToken | undefined> {
    const hash = hashSecret(token)
    // Every one is compared, so that nothing tells which was met.
    const [found] = this.#listed.filter((listed) => isSameSecret(listed.hash, hash))
    if (!found) return undefined
    const { expiresAt = Number.POSITIVE_INFINITY } = found.verified
    if (expiresAt <= environment.now()) throw refuseToken('token_expired')
    return found.verified
  }
}

function describe({ clientId, scopes = [], subject = subjectOfClient(clientId), expiresAt }: Omit<StaticToken, 'token'>): VerifiedToken {
  return { subject, clientId, scopes, claims: {}, ...(expiresAt !== undefined && { expiresAt }) }
}

function refuse({ token, clientId, scopes = [], subject, expiresAt }: StaticToken): string[] {
  const problems: string[] = []
  try {
    parseSecret(token)
  } catch (cause) {
    problems.push(cause instanceof TypeError ? cause.message : 'cannot be used')
  }
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) problems.push('has characters that no bearer token can have (RFC 6750 §2.1)')
  if (!clientId) problems.push('has no clientId')
  if (subject === '') problems.push('has a subject that is empty')
  if (!Array.isArray(scopes) || !scopes.every(isScope)) problems.push('has scopes that are none')
  if (expiresAt !== undefined && !Number.isInteger(expiresAt)) problems.push('has an expiresAt that is no whole number of seconds')
  return problems
}
