import { invalidRequest } from '../protocol/errors.ts'

/** The parameters in a form body (OAuth 2.1 §3.2). Throws `invalid_request` for any other kind of body, an encoded one, or other characters than UTF-8. */
export async function readForm(request: Request): Promise<URLSearchParams> {
  if (mediaType(request) !== 'application/x-www-form-urlencoded') {
    throw invalidRequest('The body is not application/x-www-form-urlencoded.', 'content_type')
  }
  return new URLSearchParams(await readText(request))
}

/** The value in a JSON body (RFC 7591 §3.1). Throws `invalid_request` for any other kind of body, an encoded one, or other characters than UTF-8. */
export async function readJson(request: Request): Promise<unknown> {
  if (mediaType(request) !== 'application/json') throw invalidRequest('The body is not application/json.', 'content_type')
  const text = await readText(request)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalidRequest('The body is not JSON.', 'not_json', cause)
  }
}

function mediaType(request: Request): string | undefined {
  return request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
}

/** What a media type says of its characters; one that says it twice has to mean it twice. */
const charset = /;\s*charset\s*=\s*"?([^";\s]*)/gi

// What comes is read as UTF-8 and as it is, so whatever says that it is something else would be read for what it is not (threat T80).
async function readText(request: Request): Promise<string> {
  if (request.headers.has('content-encoding')) throw invalidRequest('The body is encoded.', 'content_encoding')
  const charsets = [...(request.headers.get('content-type') ?? '').matchAll(charset)].map(([, name = '']) => name)
  if (!charsets.every((name) => /^utf-?8$/i.test(name))) throw invalidRequest('The body is not UTF-8.', 'charset')
  return request.text().catch((cause: unknown) => {
    throw invalidRequest('The body broke off.', 'body_broken', cause)
  })
}
