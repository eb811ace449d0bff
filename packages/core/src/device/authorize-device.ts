import type { AuthenticateClient } from '../clients/authenticate-client.ts'
import { parseAuthorizationRequest, type RequestPolicy } from '../clients/authorization-request.ts'
import { authenticationIn, clientNames } from '../clients/read-credentials.ts'
import { type Handler, openEndpoint } from '../http/endpoint.ts'
import { readForm } from '../http/form.ts'
import type { Limiter } from '../http/rate-limit.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { hashSecret } from '../protocol/compare.ts'
import { deviceGrantType, formatDeviceCode, formatUserCode, userCodeOf } from '../protocol/device-code.ts'
import { invalidRequest } from '../protocol/errors.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import { parseParameters } from '../protocol/parameters.ts'
import { challengeOf } from '../protocol/pkce.ts'
import { type Device, newDevice, pollInterval } from '../records/device.ts'
import type { Records } from '../records/records.ts'

/** What the endpoint needs. */
export interface DeviceAuthorizationNeeds {
  readonly baseUrl: string
  /** A page of ours, where the browser of the person comes back to. */
  readonly redirectUri: string
  readonly authenticateClient: AuthenticateClient
  readonly policy: RequestPolicy
  readonly records: Pick<Records, 'devices'>
  readonly environment: Environment
  readonly emit: Emit
  readonly limiter: Limiter
}

/**
 * Device authorization (RFC 8628 §3.1): a client without a browser says what it asks for, and gets a code to show. It asks no
 * person; whoever types the code in at our page is asked there.
 */
export function deviceAuthorizationEndpoint(needs: DeviceAuthorizationNeeds): Handler {
  const { baseUrl, redirectUri, authenticateClient, environment, emit, limiter } = needs
  const policy = { ...needs.policy, grantType: deviceGrantType }
  return openEndpoint({
    name: 'device-authorization',
    kind: 'api',
    waitsForOthers: true,
    environment,
    emit,
    limiter,
    limitedAs: 'device',
    async post(request) {
      const { values, repeated } = parseParameters(await readForm(request), [...clientNames, 'scope', 'resource'] as const)
      if (repeated[0]) throw invalidRequest(`The parameter ${repeated[0]} was sent more than once.`, 'parameter_repeated')
      const client = await authenticateClient(authenticationIn(request, values))
      const random = (): string => Buffer.from(environment.randomBytes(32)).toString('base64url')
      const [secret, verifier] = [random(), random()]
      // The request of a browser that comes back to a page of ours: judged as any other.
      const asked = { ...values, response_type: 'code', code_challenge: challengeOf(verifier), code_challenge_method: 'S256' }
      const judged = parseAuthorizationRequest({ values: asked, repeated: [] }, client, redirectUri, policy)
      const userCode = await createDevice(needs, newDevice(judged, hashSecret(secret), verifier, environment.now()))
      return Response.json(describeDevice(baseUrl, userCode, secret), { headers: { pragma: 'no-cache' } })
    },
  })
}

// Two devices never share a user code: where one is taken, which is once in 25 thousand millions, the next is drawn.
async function createDevice({ records, environment }: DeviceAuthorizationNeeds, device: Device): Promise<string> {
  for (;;) {
    const userCode = userCodeOf(environment.randomBytes(16))
    if (await records.devices.create(userCode, device)) return userCode
  }
}

/** The device authorization response (RFC 8628 §3.2). */
function describeDevice(baseUrl: string, userCode: string, secret: string): Record<string, unknown> {
  const uri = `${baseUrl}/device`
  return {
    device_code: formatDeviceCode({ userCode, secret }),
    user_code: formatUserCode(userCode),
    verification_uri: uri,
    verification_uri_complete: `${uri}?user_code=${formatUserCode(userCode)}`,
    expires_in: fixedLifetimes.deviceCode,
    interval: pollInterval,
  }
}
