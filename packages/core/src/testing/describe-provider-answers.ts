import type { ProviderDescription } from './describe-provider-description.ts'
import type { IdTokens } from './describe-provider-id-token.ts'
import type { FakeUpstream, UpstreamAnswer } from './fake-upstream.ts'
import { tokenParameter } from './token-parameter.ts'

/** What the described upstream answers; a test changes it. */
export interface UpstreamAnswers {
  discovery: UpstreamAnswer
  keys: UpstreamAnswer
  /** In the order of the description. */
  asks: UpstreamAnswer[]
  exchange: UpstreamAnswer
  refresh: UpstreamAnswer
  identity: UpstreamAnswer
  revocation: UpstreamAnswer
}

/** The answers as described. `answerTokens` adds an ID token where there are such. */
export function answersOf(
  { exchange, refresh, identity, asks = [], openId }: ProviderDescription,
  idTokens: IdTokens,
  answerTokens: (members: Readonly<Record<string, unknown>>) => UpstreamAnswer,
): UpstreamAnswers {
  return {
    discovery: answering(openId?.document),
    keys: () => Response.json(idTokens.jwks()),
    asks: asks.map(({ answer }) => answering(answer)),
    exchange: answerTokens(exchange.answer),
    refresh: () => Response.json(refresh?.answer ?? { error: 'unsupported_grant_type' }, { status: refresh ? 200 : 400 }),
    identity: answering(identity.answer),
    revocation: () => new Response(null, { status: 204 }),
  }
}

/** Has the upstream answer so. */
export function connect(description: ProviderDescription, upstream: FakeUpstream, answers: UpstreamAnswers): void {
  const { exchange, refresh, identity, revocation, asks = [], openId } = description
  if (openId) {
    upstream.answer('GET', openId.discoveryUrl, (request) => answers.discovery(request))
    upstream.answer('GET', openId.document.jwks_uri, (request) => answers.keys(request))
  }
  for (const [index, { request }] of asks.entries())
    upstream.answer(request.method, request.url, (asked) => answers.asks[index]?.(asked) ?? Response.error())
  if (refresh) upstream.answer(refresh.request.method, refresh.request.url, (request) => answers.refresh(request))
  upstream.answer(exchange.request.method, exchange.request.url, (request) =>
    tokenParameter(request.body, 'grant_type') === 'refresh_token' ? answers.refresh(request) : answers.exchange(request),
  )
  if (identity.request) upstream.answer(identity.request.method, identity.request.url, (request) => answers.identity(request))
  if (revocation) upstream.answer(revocation.method, revocation.url, (request) => answers.revocation(request))
}

function answering(json: unknown): UpstreamAnswer {
  return () => Response.json(json)
}
