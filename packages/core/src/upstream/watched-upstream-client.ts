import { byProvider } from '../ports/events.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { UpstreamClient } from './calls.ts'

/** An upstream client, each of whose calls is watched; `provider` is its key, where there are several. */
export function watchedUpstreamClient(client: UpstreamClient, telemetry: Telemetry, provider: string | undefined): UpstreamClient {
  const watch = <Result>(operation: string, call: () => Promise<Result>): Promise<Result> =>
    telemetry.during({ is: 'upstream', operation, ...byProvider(provider) }, call)
  return {
    prepare: client.prepare,
    authorizationUrl: client.authorizationUrl,
    exchangeCode: (...call) => watch('exchange', () => client.exchangeCode(...call)),
    refresh: (...call) => watch('refresh', () => client.refresh(...call)),
    exchangeGrant: (...call) => watch('exchange-grant', () => client.exchangeGrant(...call)),
    identify: (...call) => watch('identify', () => client.identify(...call)),
    revoke: (...call) => watch('revoke', () => client.revoke(...call)),
  }
}
