import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'

/** Where and how to listen. */
export interface ServeOptions {
  readonly host?: string
  readonly port?: number
  /** Waited for after the last request, before the process ends: `() => auth.close()`. */
  readonly closing?: () => Promise<void>
  /** Told the line with the URL. Default: standard output. */
  readonly print?: (line: string) => void
}

/** A server that listens. */
export interface Served {
  readonly url: string
  readonly port: number
  /** Takes no new request, finishes those under way, and resolves. */
  close(): Promise<void>
}

/** Headers and bodies that take longer are not a client's (REL-R26). */
const slowest = 10_000

/** What asks a process to end: a supervisor, and a person at a terminal. */
const signals = ['SIGTERM', 'SIGINT'] as const

/** A request under way gets this long when the server closes; a stream that never ends, like those of MCP, is cut off then. */
const grace = 5_000

/**
 * Serves an application on `node:http`, prints its URL, and ends cleanly on SIGTERM and SIGINT. Rejects when it cannot listen,
 * with the `code` of Node: `EADDRINUSE` for a port that is taken.
 */
export async function serve(
  app: { fetch(request: Request, bindings?: object): Response | Promise<Response> },
  {
    host = '127.0.0.1',
    port = 8000,
    closing = () => Promise.resolve(),
    print = (line) => process.stdout.write(`${line}\n`),
  }: ServeOptions = {},
): Promise<Served> {
  const server = createAdaptorServer({ fetch: (request, bindings) => app.fetch(request, bindings), overrideGlobalObjects: false })
  if ('headersTimeout' in server) Object.assign(server, { headersTimeout: slowest, requestTimeout: slowest })
  await listen(server, host, port)
  const address = server.address() as AddressInfo
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`
  print(`Listening on ${url}`)

  let closed: Promise<void> | undefined
  const close = (): Promise<void> => {
    closed ??= new Promise<void>((resolve) => {
      const cutOff = setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), grace)
      server.close(() => {
        clearTimeout(cutOff)
        resolve()
      })
      if ('closeIdleConnections' in server) server.closeIdleConnections()
    })
      .then(closing)
      .finally(() => {
        for (const signal of signals) process.off(signal, end)
      })
    return closed
  }
  const end = (): void => void close().then(() => process.exit(0))
  for (const signal of signals) process.once(signal, end)
  return { url, port: address.port, close }
}

function listen(server: ReturnType<typeof createAdaptorServer>, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
