import type { Config } from './config/config.ts'
import { deviceGrantType } from './protocol/device-code.ts'
import { type CollectNeeds, collectDeviceGrantHandler } from './token/collect-device-grant.ts'
import type { GrantHandler } from './token/grant-handler.ts'
import { redeemCodeHandler } from './token/redeem-code.ts'
import { type RotateNeeds, rotateRefreshTokenHandler } from './token/rotate-refresh-token.ts'
import { wireDirectGrants } from './wire-direct-grants.ts'

/** What the token endpoint takes, by its `grant_type`. */
export function grantHandlers(
  config: Config,
  granting: Parameters<typeof wireDirectGrants>[1] & RotateNeeds & CollectNeeds,
): Readonly<Record<string, GrantHandler>> {
  return {
    authorization_code: redeemCodeHandler(granting),
    refresh_token: rotateRefreshTokenHandler(granting),
    ...wireDirectGrants(config, granting),
    ...(config.deviceGrant && { [deviceGrantType]: collectDeviceGrantHandler(granting) }),
  }
}
