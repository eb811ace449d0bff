import { once } from 'node:events'
import { createServer as createPlain, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { generate } from 'selfsigned'

/** A host on this machine that speaks TLS under the names given, as far as this process believes it. */
export interface DocumentServer {
  readonly port: number
  /** Requests that came in, as `Host path`. */
  readonly requests: string[]
  /** How many connections there were, whether or not a request came over them. */
  readonly connections: () => number
  /** What it answers from now on. */
  answer: (request: IncomingMessage, response: ServerResponse) => void
  close(): Promise<void>
}

/** Listens on `address`, by default 127.0.0.1. With `names` over TLS. */
export async function openDocumentServer(names: readonly string[], address = '127.0.0.1'): Promise<DocumentServer> {
  const requests: string[] = []
  let connections = 0
  const server = names.length > 0 ? createServer(await believed(names)) : createPlain()
  const opened: DocumentServer = {
    get port() {
      const at = server.address()
      return typeof at === 'object' && at !== null ? at.port : 0
    },
    requests,
    connections: () => connections,
    answer: (_, response) => response.writeHead(404).end(),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  server.on('connection', () => {
    connections += 1
  })
  server.on('request', (request, response) => {
    requests.push(`${request.headers.host} ${request.url}`)
    opened.answer(request, response)
  })
  server.listen(0, address)
  await once(server, 'listening')
  return opened
}

async function believed(names: readonly string[]): Promise<{ key: string; cert: string }> {
  const altNames = names.map((value) => ({ type: 2 as const, value }))
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'a test' }], {
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames },
    ],
  })
  setDefaultCACertificates([...getCACertificates('default'), cert])
  return { key, cert }
}
