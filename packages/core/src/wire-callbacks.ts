import { type CallbackEndpointNeeds, callbackEndpoint } from './callback/endpoint.ts'
import type { Config } from './config/config.ts'
import type { OperationalHandlers } from './routes.ts'
import type { Upstreams } from './upstream/upstreams.ts'
import { deviceRedirectUri } from './wire-device.ts'

/** What the rooms share, as far as the callback needs it. */
interface Shared extends Pick<CallbackEndpointNeeds, 'issuer' | 'records' | 'cookies' | 'environment' | 'emit'> {
  readonly upstreams: Upstreams
}

/** A callback for each upstream: what comes back to one is of that upstream alone, and its provider says who may come. */
export function wireCallbacks(config: Config, shared: Shared): OperationalHandlers['callbacks'] {
  const remembers = (uri: string): boolean => uri !== deviceRedirectUri(config) && config.remembers(uri)
  return shared.upstreams.listed.map(({ callbackPath }, index) => ({
    path: callbackPath,
    handler: callbackEndpoint({ ...config, ...config.providers[index], ...shared, callbackPath, remembers }),
  }))
}
