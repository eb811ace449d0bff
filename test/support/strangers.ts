import { AddressRefused, type FetchPinned } from '@drawbridge/core'
import { redirectUri } from './house.ts'

/** The URL of a client's document, and the document. */
export const documentUrl = 'https://client.example.com/client.json'

/** A document with everything a client needs, and these members. */
export function documentOf(url: string, members: Record<string, unknown> = {}): Record<string, unknown> {
  return { client_id: url, client_name: 'A document', redirect_uris: [redirectUri], token_endpoint_auth_method: 'none', ...members }
}

/** How a host answers. */
export type Answering = (signal: AbortSignal) => Response | Promise<Response>

/** Hosts of strangers, without a network: they have addresses, are judged by them, and answer. */
export interface Strangers {
  readonly fetchPinned: FetchPinned
  /** What was asked for, in order. A host whose address was refused was not asked. */
  readonly asked: { readonly url: string; readonly headers: Readonly<Record<string, string>> }[]
  /** Answers for a URL from now on: a document, or whatever is made. */
  publish(url: string, answer?: Record<string, unknown> | Answering): void
  /** The addresses of a host. Default: one public address. */
  locate(host: string, ...addresses: string[]): void
}

export function openStrangers(): Strangers {
  const answers = new Map<string, Answering>()
  const addresses = new Map<string, string[]>()
  const asked: Strangers['asked'] = []
  return {
    asked,
    publish(url, answer = documentOf(url)) {
      answers.set(url, typeof answer === 'function' ? answer : () => Response.json(answer))
    },
    locate: (host, ...all) => void addresses.set(host, all),
    async fetchPinned(url, { headers, signal, allowAddress }) {
      const { hostname } = new URL(url)
      const refused = (addresses.get(hostname) ?? ['93.184.216.34']).find((address) => !allowAddress(address))
      if (refused !== undefined) throw new AddressRefused('an address of the host is refused')
      asked.push({ url, headers })
      const answer = answers.get(url)
      if (!answer) throw new TypeError('connect ECONNREFUSED')
      return answer(signal)
    },
  }
}
