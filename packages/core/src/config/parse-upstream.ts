import { createHash, X509Certificate } from 'node:crypto'
import type { Upstream } from '../ports/upstream.ts'
import { parseSigningKey } from '../tokens/keys.ts'
import type { ClientAssertionSource } from '../upstream/client-assertion.ts'
import type { UpstreamEntry } from '../upstream/upstreams.ts'
import type { ClientAssertionOptions, UpstreamDealingOptions } from './options.ts'

/** The upstream, with what the options say of it on top of what its provider says. */
export function dealWith(
  upstream: Upstream,
  { clientAssertion, claims, authorizeParameters, tokenParameters }: UpstreamDealingOptions,
): Pick<UpstreamEntry, 'upstream' | 'clientAssertion' | 'claims'> {
  const source = clientAssertion === undefined ? undefined : readClientAssertion(clientAssertion)
  return {
    upstream: {
      ...upstream,
      ...(authorizeParameters && { authorizeParameters: { ...upstream.authorizeParameters, ...authorizeParameters } }),
      ...(tokenParameters && { tokenParameters: { ...upstream.tokenParameters, ...tokenParameters } }),
    },
    ...(source && 'is' in source && { clientAssertion: source.is }),
    ...(claims && { claims }),
  }
}

/** What is wrong with what the options say of an upstream, whose scopes go in that authorization parameter. */
export function refuseDealing(options: UpstreamDealingOptions, scopeParameter = 'scope'): string[] {
  const { clientAssertion, claims = {}, authorizeParameters = {}, tokenParameters = {} } = options
  const source = clientAssertion === undefined ? undefined : readClientAssertion(clientAssertion)
  return [
    ...refuseTexts('claims', claims),
    ...refuseParameters('authorizeParameters', authorizeParameters, scopeParameter),
    ...refuseParameters('tokenParameters', tokenParameters),
    ...(source && 'problem' in source ? [`clientAssertion.key ${source.problem}`] : []),
  ]
}

/** What a provider adds to each request that is ours to set. */
export function refuseAdded({ authorizeParameters, tokenParameters }: Upstream): string[] {
  return [
    ...refuseParameters('authorizeParameters', authorizeParameters ?? {}),
    ...refuseParameters('tokenParameters', tokenParameters ?? {}),
  ].map((problem) => `the upstream's ${problem}`)
}

/** What binds an answer to a request, and a request to us: nobody may set these from outside (threat T11). A request object has them all inside it (RFC 9101 §4). */
const ours: readonly string[] = [
  ...['response_type', 'response_mode', 'client_id', 'redirect_uri', 'state', 'nonce', 'code_challenge', 'code_challenge_method'],
  ...['request', 'request_uri'],
  ...['grant_type', 'code', 'code_verifier', 'refresh_token', 'client_secret', 'client_assertion', 'client_assertion_type'],
]

// An upstream that names no scopes granted what it was asked for (RFC 6749 §5.1), so it is asked by nobody else.
function refuseParameters(name: string, parameters: unknown, scopeParameter?: string): string[] {
  const bad = Object.keys(Object(parameters)).filter((parameter) => ours.includes(parameter) || parameter === scopeParameter)
  return [...refuseTexts(name, parameters), ...bad.map((parameter) => `${name}.${parameter} is ours to set`)]
}

function refuseTexts(name: string, texts: unknown): string[] {
  if (typeof texts !== 'object' || texts === null || Array.isArray(texts)) return [`${name} is not an object`]
  const bad = Object.entries(texts).filter(([, value]) => typeof value !== 'string')
  return bad.map(([member]) => `${name}.${member} is not a string`)
}

const notPrivate = 'is a secret: give the private key whose public half the upstream has'

function readClientAssertion(input: ClientAssertionOptions): { readonly is: ClientAssertionSource } | { readonly problem: string } {
  if (typeof input === 'function') return { is: { make: input } }
  try {
    const { algorithm, sign, kid } = parseSigningKey(input.key)
    if (algorithm === 'HS256') return { problem: notPrivate }
    const named = typeof input.key === 'object' && 'kid' in input.key ? { kid } : {}
    return {
      is: { key: sign, algorithm, ...named, ...(input.certificate !== undefined && { thumbprint: thumbprintOf(input.certificate) }) },
    }
  } catch (cause) {
    // A secret that is too short is told how to make a longer one, which is no private key.
    const problem = cause instanceof TypeError ? cause.message : 'cannot be read'
    return { problem: /keygen/.test(problem) ? notPrivate : problem }
  }
}

// By which Entra finds the certificate (RFC 7515 §4.1.8).
function thumbprintOf(certificate: string): string {
  try {
    return createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url')
  } catch {
    throw new TypeError('goes with a certificate that is not PEM')
  }
}
