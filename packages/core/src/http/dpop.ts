import { proofAlgorithms } from '../protocol/dpop.ts'
import { type BearerCredentials, type Challenge, challengeParameters } from './bearer.ts'

const algorithms = `algs="${proofAlgorithms.join(' ')}"`

/** Reads the token of a request that comes with a proof; undefined when it is of another scheme (RFC 9449 §7.1). */
export function readDpop(request: Request): Exclude<BearerCredentials, { is: 'absent' }> | undefined {
  const header = request.headers.get('authorization')
  if (header === null || !/^dpop(\s|$)/i.test(header)) return undefined
  const [, token] = /^dpop +([A-Za-z0-9._~+/-]+=*)$/i.exec(header) ?? []
  return token === undefined ? { is: 'malformed' } : { is: 'token', token }
}

/** The value of `WWW-Authenticate` for a client that knows proofs: the parts of any challenge, and the algorithms (RFC 9449 §7.1). */
export function formatDpopChallenge(challenge: Challenge): string {
  return `DPoP ${challengeParameters(challenge, algorithms).join(', ')}`
}

/** What a challenge for bearer tokens has behind it where proofs are taken as well: Bearer comes first, because clients look there (gotcha G15). */
export const dpopOffer: string = `DPoP ${algorithms}`
