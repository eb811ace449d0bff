import { z } from 'zod'
import type { House } from '../support/house.ts'

/** A client as the server answered that it registered it. */
export interface RegisteredClient {
  /** The whole answer. */
  readonly answer: Readonly<Record<string, unknown>>
  readonly clientId: string
  /** What it adds to a request for tokens: who it is, and its secret by the method in the answer (RFC 7591 §3.2.1). */
  readonly credentials: { readonly fields: Readonly<Record<string, string>>; readonly headers: Readonly<Record<string, string>> }
}

const answerShape = z.looseObject({
  client_id: z.string(),
  client_secret: z.string().optional(),
  token_endpoint_auth_method: z.enum(['none', 'client_secret_basic', 'client_secret_post']),
})

/** Registers a client by exactly this body. Rejects with what was answered when that is a refusal. */
export async function registerClient(house: House, body: unknown): Promise<RegisteredClient> {
  const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const reply = await house.call('/register', sent)
  const text = await reply.text()
  if (reply.status !== 201) throw new Error(`registration: ${reply.status} ${text}`)
  const answer = answerShape.parse(JSON.parse(text))
  const { client_id: clientId, client_secret: secret = '', token_endpoint_auth_method: method } = answer
  return {
    answer,
    clientId,
    credentials: {
      fields: {
        none: { client_id: clientId },
        client_secret_post: { client_id: clientId, client_secret: secret },
        client_secret_basic: {},
      }[method],
      headers: method === 'client_secret_basic' ? { authorization: `Basic ${btoa(`${clientId}:${secret}`)}` } : {},
    },
  }
}
