import type { ExtensionOptions, OAuthProxyOptions, VerificationOptions } from '@drawbridge/core'
import { createFernetKey, encrypted, fernet, memoryStore } from '@drawbridge/storage'
import { createSigner, sign } from '../support/assertions.ts'
import { type House, openHouse, redirectUri, signingKey, verifier } from '../support/house.ts'
import { openProofKey } from '../support/proof-key.ts'
import { type Answer, comeToCallback, openTab, signInUpstream, type Tab } from '../support/tab.ts'
import { type WatchedStore, watchedStore } from '../support/watched-store.ts'

/** Whom an enterprise's assertions are signed by. */
const signer = createSigner()

/** All of them: one that is missing here is not fuzzed. Its routes go into `plausible.ts`, each with a request that it takes. */
const extensions: Required<ExtensionOptions> = {
  dpop: 'allowed',
  pushedRequests: 'allowed',
  deviceGrant: true,
  identityAssertions: { trustedIssuers: [{ issuer: 'https://idp.example.com', jwks: { keys: [signer.jwk] } }] },
}

const resourceServer = {
  resource: 'https://elsewhere.example/mcp',
  clientId: 'a-resource-server',
  clientSecret: 'a-secret-of-a-resource-server-01',
}
const verification: Required<VerificationOptions> = { cacheFor: 0, resourceServers: [resourceServer] }

const machine = { clientId: 'machine', clientSecret: 'a-secret-of-a-machine-01', authentication: 'client_secret_post' } as const
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** Everything that makes a route or a parameter. */
const everything: Partial<OAuthProxyOptions> = {
  extensions,
  verification,
  clients: { static: [{ ...machine, grantTypes: ['client_credentials', jwtBearer] }] },
  limits: { rateLimit: false },
}

/** Ways to be configured that exclude each other: what the caller meets is another code path, and no other route. */
export const variants: Readonly<Record<string, Partial<OAuthProxyOptions>>> = {
  'clients in the store, and asked every time': {},
  'clients sealed into their ids, and consent that is remembered': {
    clients: { ...everything.clients, registration: { sealedWith: 'a-secret-that-seals-clients-into-their-ids-0123456789' } },
    consent: { mode: 'remembered', rememberNative: true },
  },
}

/** A server where something of every kind exists, twice: what the caller has, and what a bystander has and nobody else may see. */
export interface World {
  readonly house: House
  readonly store: WatchedStore
  /** What the caller has, by name; any of it may turn up where another is due. */
  readonly own: Readonly<Record<string, string>>
  /** Headers of the caller's browser. */
  readonly browser: Readonly<Record<string, string>>
  /** The URL of a callback that waits to be opened. */
  readonly callback: string
  /** Secrets of the server and of a bystander: they belong into no answer and no event. */
  readonly canaries: ReadonlyMap<string, string>
  /** Whether the bystander lost nothing. */
  bystanderIsWell(): Promise<boolean>
}

export async function openWorld(variant: Partial<OAuthProxyOptions>): Promise<World> {
  const outer = openHouse()
  const storageKey = createFernetKey()
  const store = watchedStore(encrypted(memoryStore(outer), fernet(storageKey, outer), outer))
  const house = openHouse({ beside: outer, clientStorage: store, ...everything, ...variant })
  const bystander = await openBystander(house)
  const { tab, clientId, callback, state } = await comeToCallback(house, { state: 'the-state-of-the-caller' })
  const page = await tab.open(house.authorizeUrl(clientId))
  const { clientId: refreshing, tokens } = await house.login()
  const code = (await house.signIn(refreshing)).searchParams.get('code') ?? ''
  const [waiting, answered, coming] = [await openDevice(house), await openDevice(house), await openDevice(house)]
  const elsewhere = openTab(house)
  await elsewhere.open(await comeToDone(house, elsewhere, answered.userCode))
  const done = new URL(await comeToDone(house, elsewhere, coming.userCode)).searchParams
  const cookie = [...tab.cookies].map((pair) => pair.join('=')).join('; ')
  return {
    house,
    store,
    callback,
    browser: { accept: 'text/html', cookie },
    own: {
      clientId,
      refreshing,
      code,
      state,
      form: page.sealed,
      accessToken: tokens.access_token,
      refreshToken: tokens.refresh_token,
      ...answered,
      userCode: waiting.userCode,
      deviceForm: formIn(await tab.open('/device')),
      doneCode: done.get('code') ?? '',
      doneState: done.get('state') ?? '',
      verifier,
      redirectUri,
      cookie: cookie.split('=').at(-1) ?? '',
      machine: machine.clientId,
      machineSecret: machine.clientSecret,
      resourceServer: resourceServer.clientId,
      resourceServerSecret: resourceServer.clientSecret,
      jwtBearer,
      assertion: await signAssertion(house),
      proof: await (await openProofKey(house)).tokenProof(),
    },
    canaries: new Map([
      ...bystander.canaries,
      ['storage key', storageKey],
      ['signing key', signingKey],
      ['upstream client secret', 'upstream-secret'],
    ]),
    bystanderIsWell: bystander.isWell,
  }
}

function signAssertion({ environment }: House): Promise<string> {
  const now = environment.now()
  const about = { iss: 'https://idp.example.com', sub: 'somebody', aud: 'http://localhost:8000', iat: now, exp: now + 300, jti: 'one' }
  const type = { typ: 'oauth-id-jag+jwt' }
  return sign(signer, { ...about, client_id: machine.clientId, resource: 'http://localhost:8000/mcp', scope: 'user' }, type)
}

const formIn = ({ text }: Answer): string => /name="form" value="([^"]*)"/.exec(text)?.[1] ?? ''

/** A person types in a device's code, says yes and signs in; where the browser is sent then. */
async function comeToDone(house: House, tab: Tab, userCode: string): Promise<string> {
  const form = formIn(await tab.open('/device'))
  const cookie = [...tab.cookies].map((pair) => pair.join('=')).join('; ')
  const page = await (await house.post('/device', { form, user_code: userCode }, { accept: 'text/html', cookie })).text()
  const sealed = /name="request" value="([^"]*)"/.exec(page)?.[1] ?? ''
  const { refresh } = await tab.decide({ status: 200, headers: new Headers(), text: page, location: '', refresh: '', sealed }, 'approve')
  return (await tab.open(await signInUpstream(house, refresh))).location
}

/** A device that waits for somebody to type in its code. */
async function openDevice(house: House): Promise<{ deviceClientId: string; deviceCode: string; userCode: string }> {
  const deviceClientId = await house.register({ redirect_uris: [], grant_types: ['urn:ietf:params:oauth:grant-type:device_code'] })
  const answer = await house.post('/device_authorization', { client_id: deviceClientId })
  const { device_code: deviceCode, user_code: userCode }: { device_code: string; user_code: string } = await answer.json()
  return { deviceClientId, deviceCode, userCode }
}

async function openBystander(house: House): Promise<{ canaries: [string, string][]; isWell(): Promise<boolean> }> {
  const { clientId, tokens } = await house.login()
  const code = (await house.signIn(clientId)).searchParams.get('code') ?? ''
  const underWay = await comeToCallback(house, { state: 'the-state-of-the-bystander' }, openTab(house))
  const device = await openDevice(house)
  const { accessToken: upstreamToken } = await house.auth.upstream(await house.auth.verifyAccessToken(tokens.access_token))
  return {
    canaries: [
      ['access token', tokens.access_token],
      ['refresh token', tokens.refresh_token],
      ['code', code],
      ['device code', device.deviceCode],
      ['user code', device.userCode],
      ['state sent upstream', underWay.state],
      ['state', 'the-state-of-the-bystander'],
      ['upstream code', new URL(underWay.callback).searchParams.get('code') ?? 'none'],
      ['upstream access token', upstreamToken],
      ...[...underWay.tab.cookies].map(([name, value]): [string, string] => [`cookie ${name}`, value]),
    ],
    async isWell() {
      if ((await house.mcpStatus(tokens.access_token)) !== 200) return false
      if ((await house.refresh(clientId, tokens.refresh_token)).status !== 200) return false
      if ((await house.redeem(clientId, code)).status !== 200) return false
      return new URL((await underWay.tab.open(underWay.callback)).location).searchParams.has('code')
    },
  }
}
