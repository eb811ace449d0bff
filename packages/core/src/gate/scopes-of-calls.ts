import { invalidRequest } from '../protocol/errors.ts'

/** The scopes that tools need beside those of the endpoint, by the name of the tool. */
export type ToolScopes = Readonly<Record<string, readonly string[]>>

/** As much as MCP's SDKs read. Whoever gets here has a good token. */
const longest = 4 * 1024 * 1024

/**
 * The scopes that the tools need that a request calls, batches included (MCP 2025-03-26, JSON-RPC batching). The body is left for
 * the server. Throws `invalid_request` for a body that is too long, or no JSON: what cannot be judged here, because it is
 * compressed for instance, must not be understood behind the gate.
 */
export async function scopesOfCalls(request: Request, toolScopes: ToolScopes): Promise<readonly string[]> {
  const { body } = request.clone()
  if (!body) return []
  const text = await readText(body)
  // Some hosts give each request but a GET a body, and the one that ends a session says nothing in it.
  if (text === '' && request.method !== 'POST') return []
  const json = parseJson(text)
  const needed = [json].flat().flatMap((message) => {
    const name = calledTool(message)
    return name !== undefined && Object.hasOwn(toolScopes, name) ? requireList(toolScopes[name]) : []
  })
  return [...new Set(needed)]
}

// A tool that is listed with what is no list would otherwise need nothing.
function requireList(scopes: readonly string[] | undefined): readonly string[] {
  if (Array.isArray(scopes)) return scopes
  throw new TypeError('toolScopes lists a tool without a list of scopes.')
}

async function readText(body: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  // A copy can only be cancelled together with the original, which nobody will do: it is left unread instead.
  for await (const chunk of body.values({ preventCancel: true })) {
    length += chunk.byteLength
    if (length > longest) throw invalidRequest('The body is too long.', 'body_too_long')
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalidRequest('The body is not JSON.', 'not_json', cause)
  }
}

function calledTool(message: unknown): string | undefined {
  if (!isObject(message) || message.method !== 'tools/call' || !isObject(message.params)) return undefined
  return typeof message.params.name === 'string' ? message.params.name : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
