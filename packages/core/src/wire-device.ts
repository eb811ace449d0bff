import type { RequestPolicy } from './clients/authorization-request.ts'
import type { Config } from './config/config.ts'
import { type ShowConsentNeeds, showConsent } from './consent/show-consent.ts'
import { type DeviceAuthorizationNeeds, deviceAuthorizationEndpoint } from './device/authorize-device.ts'
import { type DoneEndpointNeeds, doneEndpoint } from './device/done.ts'
import { type EnterCodeNeeds, enterCodeEndpoint } from './device/enter-code.ts'
import type { OperationalHandlers } from './routes.ts'
import type { Clients } from './wire-clients.ts'

/** What the rooms share, as far as the device room needs it. */
type Shared = Clients &
  ShowConsentNeeds &
  Omit<DeviceAuthorizationNeeds, 'baseUrl' | 'redirectUri'> &
  Omit<EnterCodeNeeds, 'origin'> &
  DoneEndpointNeeds

/** Where logins for devices come back to: a redirect URI that is no client's. */
export function deviceRedirectUri({ baseUrl }: Pick<Config, 'baseUrl'>): string {
  return `${baseUrl}/device/done`
}

/** Gives the device room what it needs. */
export function wireDevice(
  config: Config,
  shared: Omit<Shared, 'policy' | 'showConsent' | 'findClient'> & { readonly policy: RequestPolicy },
): Pick<OperationalHandlers, 'deviceAuthorization' | 'device' | 'deviceDone'> {
  return {
    deviceAuthorization: deviceAuthorizationEndpoint({ ...shared, redirectUri: deviceRedirectUri(config), baseUrl: config.baseUrl }),
    device: enterCodeEndpoint({
      ...shared,
      findClient: shared.findCurrentClient,
      action: `${config.basePath}/device`,
      origin: config.origin,
      showConsent: showConsent(shared),
    }),
    deviceDone: doneEndpoint(shared),
  }
}
