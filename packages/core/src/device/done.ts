import { type Handler, openEndpoint } from '../http/endpoint.ts'
import { pageResponse } from '../http/page.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { hashSecret } from '../protocol/compare.ts'
import { invalidRequest, type OAuthError } from '../protocol/errors.ts'
import { parseCode } from '../protocol/identifiers.ts'
import { parseParameters } from '../protocol/parameters.ts'
import { holdCode } from '../records/collect-grant.ts'
import { approveDevice, type Device, denyDevice } from '../records/device.ts'
import type { Records } from '../records/records.ts'
import type { GrantEnding } from '../tokens/end-grant.ts'
import { donePage } from './page.ts'
import { parseDeviceState } from './state.ts'

/** What the endpoint needs. */
export interface DoneEndpointNeeds {
  readonly records: Pick<Records, 'deployment' | 'devices' | 'grants'>
  readonly ending: GrantEnding
  readonly environment: Environment
  readonly emit: Emit
}

/**
 * The redirect URI of logins for devices: takes the answer in the device's name. A code is put aside for the device, which
 * redeems it when it asks; an error tells the device no. Loading the page again changes nothing.
 */
export function doneEndpoint(needs: DoneEndpointNeeds): Handler {
  const { records, environment, emit } = needs
  return openEndpoint({
    name: 'device-done',
    kind: 'page',
    environment,
    emit,
    async get(request) {
      const { values, repeated } = parseParameters(new URL(request.url).searchParams, ['code', 'error', 'state'] as const)
      // What is neither a yes nor a no must not be taken for one: the device would be told for good.
      if (repeated.length > 0 || (values.code ?? values.error) === undefined)
        throw invalidRequest('This is not an answer that was asked for.', 'device_answer_malformed')
      const key = (await records.deployment.open()).formKeyFor('device state')
      const userCode = parseDeviceState(values.state ?? '', key)
      if (userCode === undefined) throw invalidRequest('This is not an answer that was asked for.', 'device_state_not_ours')
      const device = await records.devices.find(userCode)
      if (!device) throw tooLate()
      await (values.code === undefined ? deny(needs, userCode, device) : approve(needs, userCode, device, values.code))
      return pageResponse(donePage(values.code !== undefined))
    },
  })
}

async function deny({ records, emit }: DoneEndpointNeeds, userCode: string, { request }: Device): Promise<void> {
  if (await records.devices.change(userCode, denyDevice)) emit({ type: 'device.denied', clientId: request.clientId })
}

// Prepare, then publish: the code is made to last first, and then the device is told of it.
async function approve({ records, ending, emit }: DoneEndpointNeeds, userCode: string, device: Device, code: string): Promise<void> {
  const parts = parseCode(code)
  if (!parts) throw tooLate()
  const { grantId } = parts
  const { clientId } = device.request
  const held = { clientId, codeHash: hashSecret(parts.secret), verifier: device.verifier }
  if (!(await records.grants.change(grantId, (grant, now) => holdCode(grant, held, now)))) throw tooLate()
  const approval = { grantId, codeHash: held.codeHash }
  if (!(await records.devices.change(userCode, (current, now) => approveDevice(current, approval, now)))) {
    // Somebody else answered for this device meanwhile, or it gave up: nobody will use this grant.
    await ending.end(grantId, 'device_not_waiting')
    throw tooLate()
  }
  if (device.status.is === 'waiting') emit({ type: 'device.approved', clientId, grantId })
}

function tooLate(): OAuthError {
  return invalidRequest('The device does not wait for this any more. Start again on the device.', 'device_not_waiting')
}
