/** The grant type of a device that has no browser (RFC 8628 §3.4). */
export const deviceGrantType: 'urn:ietf:params:oauth:grant-type:device_code' = 'urn:ietf:params:oauth:grant-type:device_code'

/** Letters that make no words and are not mistaken for each other (RFC 8628 §6.1). */
const alphabet = 'BCDFGHJKLMNPQRSTVWXZ'
const letters = 8

/** A user code: 8 letters of 20, so 34 bits (RFC 8628 §6.1). `random` has 16 bytes, which leaves no letter more likely than another. */
export function userCodeOf(random: Uint8Array): string {
  let rest = BigInt(`0x${Buffer.from(random).toString('hex')}`)
  let code = ''
  for (let index = 0; index < letters; index += 1) {
    code += alphabet[Number(rest % 20n)]
    rest /= 20n
  }
  return code
}

/** The user code as people read it (RFC 8628 §6.1). */
export function formatUserCode(userCode: string): string {
  return `${userCode.slice(0, 4)}-${userCode.slice(4)}`
}

/** The user code in what a person typed, in any case and with anything between the letters (RFC 8628 §6.1); undefined when it is none. */
export function parseUserCode(typed: string): string | undefined {
  const code = typed
    .slice(0, 100)
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '')
  return isUserCode(code) ? code : undefined
}

/** What a device code consists of: the user code, which the device shows anyway, and 256 bits that only the device has (ours). */
export interface DeviceCodeParts {
  readonly userCode: string
  readonly secret: string
}

/** The device code (ours; opaque to clients, RFC 8628 §3.2). */
export function formatDeviceCode({ userCode, secret }: DeviceCodeParts): string {
  return `db_dc_${userCode}.${secret}`
}

/** Takes a device code apart; undefined when it is not of our grammar (ours). */
export function parseDeviceCode(code: string): DeviceCodeParts | undefined {
  const [, userCode, secret] = /^db_dc_([A-Z]{8})\.([A-Za-z0-9_-]{43})$/.exec(code) ?? []
  return userCode !== undefined && secret !== undefined && isUserCode(userCode) ? { userCode, secret } : undefined
}

function isUserCode(code: string): boolean {
  return code.length === letters && [...code].every((letter) => alphabet.includes(letter))
}
