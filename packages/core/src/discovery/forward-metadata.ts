import { type Handler, openEndpoint } from '../http/endpoint.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { UpstreamUnavailable } from '../ports/upstream.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import { readMetadata } from '../upstream/read-metadata.ts'
import { type UpstreamFetch, upstreamFetch } from '../upstream/upstream-fetch.ts'

/** What forwarding needs. */
export interface ForwardMetadataNeeds {
  readonly environment: Environment
  readonly emit: Emit
}

/** As long as our own documents may be kept: nobody sees a change much later through us than there. */
const fresh: Seconds = 300
/** After a try the authorization server is left alone for this long, however many ask. */
const pause: Seconds = 5

/**
 * The metadata of another authorization server, word for word: issuer, endpoints and all are its own (RFC 8414 §3.2). It is read when it is first asked for and again when it is old; the last good answer is
 * kept, however old, and until there was one the answer is 503.
 */
export function forwardMetadataEndpoint(issuer: string, { environment, emit }: ForwardMetadataNeeds): Handler {
  const call = upstreamFetch(environment)
  let known: { readonly body: string; readonly at: UnixSeconds } | undefined
  let triedAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined

  async function read(): Promise<void> {
    triedAt = environment.now()
    try {
      known = { body: JSON.stringify(await readDocument(call, issuer)), at: environment.now() }
    } catch (cause) {
      if (!(cause instanceof UpstreamUnavailable)) throw cause
      emit({ type: 'issuer.failed', issuer, reason: cause.reason })
    }
  }

  const headers = { 'content-type': 'application/json', 'cache-control': `public, max-age=${fresh}` }
  return openEndpoint({
    name: 'discovery',
    kind: 'document',
    environment,
    emit,
    waitsForOthers: true,
    async get() {
      const isOld = known === undefined || environment.now() - known.at >= fresh
      if (isOld && environment.now() - triedAt >= pause) {
        reading ??= read().finally(() => {
          reading = undefined
        })
      }
      // Who asks while there is a good answer does not wait for a fresher one that may not come.
      if (known === undefined) await reading
      else if (reading) environment.defer(reading)
      if (known === undefined) throw new UpstreamUnavailable('issuer_metadata_unknown')
      return new Response(known.body, { headers })
    },
  })
}

// RFC 8414 inserts its path, OpenID Connect Discovery appends its own. The document has to be this issuer's own (§3.3, threat T51).
async function readDocument(call: UpstreamFetch, issuer: string): Promise<Record<string, unknown>> {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const inserted = `${origin}/.well-known/oauth-authorization-server${path}`
  const appended = `${origin}${path}/.well-known/openid-configuration`
  const document = await readMetadata(call, inserted).catch(() => readMetadata(call, appended))
  if (document.issuer !== issuer) throw new UpstreamUnavailable('metadata_of_another_issuer')
  return document
}
