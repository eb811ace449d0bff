import { createHmac } from 'node:crypto'
import type { FindClient } from '../clients/find-client.ts'
import { type BrowserCookies, browserSecretIn, isBrowserSecret } from '../http/browser-cookies.ts'
import { type Handler, openEndpoint } from '../http/endpoint.ts'
import { refuseForeignForm } from '../http/foreign-form.ts'
import { readForm } from '../http/form.ts'
import { pageResponse } from '../http/page.ts'
import type { Limiter } from '../http/rate-limit.ts'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { isSameSecret } from '../protocol/compare.ts'
import { formatUserCode, parseUserCode } from '../protocol/device-code.ts'
import { accessDenied } from '../protocol/errors.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import { parseParameters } from '../protocol/parameters.ts'
import type { Client } from '../records/client.ts'
import { type Device, isDeviceWaiting } from '../records/device.ts'
import type { Records } from '../records/records.ts'
import type { AuthorizationRequest } from '../records/transaction.ts'
import { codePage } from './page.ts'
import { deviceStateOf } from './state.ts'

/** Asks the person for a device that shows this code; the consent room does it. */
export type ShowDeviceConsent = (request: AuthorizationRequest, client: Client, browser: Request, userCode: string) => Promise<Response>

/** What the endpoint needs. */
export interface EnterCodeNeeds {
  /** The origin our own forms come from. */
  readonly origin: string
  readonly action: string
  readonly serverName: string
  readonly records: Pick<Records, 'deployment' | 'devices'>
  readonly findClient: FindClient
  readonly showConsent: ShowDeviceConsent
  readonly cookies: BrowserCookies
  readonly environment: Environment
  readonly emit: Emit
  readonly limiter: Limiter
}

/**
 * The page where a person types in what a device shows (RFC 8628 §3.3). A code that waits leads to the consent page, in every
 * consent mode: it may have been sent by somebody else. Nothing is written here.
 */
export function enterCodeEndpoint(needs: EnterCodeNeeds): Handler {
  const { origin, findClient, showConsent, cookies, records, environment, emit, limiter } = needs
  return openEndpoint({
    name: 'device',
    kind: 'page',
    waitsForOthers: true,
    environment,
    emit,
    limiter,
    limitedAs: 'device',
    get(request) {
      const { values } = parseParameters(new URL(request.url).searchParams, ['user_code'] as const)
      return showForm(needs, request, values.user_code ?? '')
    },
    async post(request) {
      refuseForeignForm(request, origin)
      const { values } = parseParameters(await readForm(request), ['form', 'user_code'] as const)
      const secret = cookies.form.read(request)
      if (!isBrowserSecret(secret))
        throw accessDenied('This page was not opened in this browser, or its cookie is gone.', 'form_cookie_missing')
      const { formKeyFor } = await records.deployment.open()
      if (!isSameSecret(values.form ?? '', formTokenOf(secret, formKeyFor('device form'))))
        throw accessDenied('This page was opened in another browser.', 'form_of_another_browser')
      const userCode = parseUserCode(values.user_code ?? '')
      const device = userCode === undefined ? undefined : await findWaiting(needs, userCode)
      const client = device && (await findClient(device.request.clientId))
      if (client && userCode !== undefined)
        return showConsent({ ...device.request, state: deviceStateOf(userCode, formKeyFor('device state')) }, client, request, userCode)
      emit({ type: 'request.refused', endpoint: 'device', error: 'invalid_request', reason: 'user_code_unknown' })
      return showForm(needs, request, values.user_code ?? '', true)
    },
  })
}

async function findWaiting({ records, environment }: EnterCodeNeeds, userCode: string): Promise<Device | undefined> {
  const device = await records.devices.find(userCode)
  return isDeviceWaiting(device, environment.now()) ? device : undefined
}

async function showForm(needs: EnterCodeNeeds, browser: Request, typed: string, wasUnknown = false): Promise<Response> {
  const { records, cookies, environment, serverName, action } = needs
  const secret = browserSecretIn(cookies.form, browser, environment)
  const formToken = formTokenOf(secret, (await records.deployment.open()).formKeyFor('device form'))
  const userCode = parseUserCode(typed)
  const shown = userCode === undefined ? typed.slice(0, 20) : formatUserCode(userCode)
  return pageResponse(codePage({ serverName, typed: shown, formToken, action, wasUnknown }), {
    status: wasUnknown ? 400 : 200,
    headers: { 'set-cookie': cookies.form.write(secret, fixedLifetimes.formCookie), 'referrer-policy': 'same-origin' },
  })
}

function formTokenOf(formSecret: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(formSecret).digest('base64url')
}
