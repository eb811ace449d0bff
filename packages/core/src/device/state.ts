import { createHmac } from 'node:crypto'
import { isSameSecret } from '../protocol/compare.ts'
import { parseUserCode } from '../protocol/device-code.ts'

/** The state of a login for a device: its user code, and a mac that only we can make, so that nobody else answers for it (ours). */
export function deviceStateOf(userCode: string, key: Uint8Array): string {
  return `${userCode}.${createHmac('sha256', key).update(userCode).digest('base64url')}`
}

/** The user code in a state of ours; undefined for any other. */
export function parseDeviceState(state: string, key: Uint8Array): string | undefined {
  const userCode = parseUserCode(state.slice(0, state.indexOf('.')))
  return userCode !== undefined && isSameSecret(state, deviceStateOf(userCode, key)) ? userCode : undefined
}
