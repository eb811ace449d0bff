import type { ProviderOptions, Upstream } from '@drawbridge/core'
import { github } from '@drawbridge/providers/github'
import { MultiProvider } from '@drawbridge/providers/several'
import { type StandIn, standIn } from '@drawbridge/quickstart/stand-in'
import { type House, type HouseOptions, openHouse, upstreamOrigin } from './house.ts'
import { type Answer, openTab, signInUpstream, type Tab, type UnderWay } from './tab.ts'

/** Where the second upstream is. */
const forgeOrigin = 'http://127.0.0.1:9998'

/** The keys of the two providers. */
export type Key = 'github' | 'forge'

export interface SeveralHouseOptions extends Omit<HouseOptions, 'beside' | 'make' | 'elsewhere'> {
  /** Changes to one entry; `false` leaves it out. */
  readonly entries?: Partial<Record<Key, Partial<ProviderOptions> | false>>
  /** Which is listed first. Default: GitHub. */
  readonly first?: Key
  readonly beside?: SeveralHouse
}

/** A server with two upstreams that speak alike, know people by the same ids, and know us by another id and secret each. */
export interface SeveralHouse extends House {
  readonly standIns: Readonly<Record<Key, StandIn>>
}

export function openSeveralHouse({ entries = {}, first = 'github', beside, mode, ...options }: SeveralHouseOptions = {}): SeveralHouse {
  const forge: StandIn =
    beside?.standIns.forge ??
    standIn({
      clientId: 'forge-id',
      clientSecret: 'forge-secret',
      callbackUrl: 'http://localhost:8000/auth/callback/forge',
      now: () => house.environment.now(),
      ...(mode && { mode }),
    })
  const all: Record<Key, ProviderOptions> = {
    github: { upstream: upstreamOf('github'), clientId: 'upstream-id', clientSecret: 'upstream-secret' },
    forge: { upstream: upstreamOf('forge'), clientId: 'forge-id', clientSecret: 'forge-secret' },
  }
  const keys: readonly Key[] = first === 'github' ? ['github', 'forge'] : ['forge', 'github']
  const listed = keys.flatMap((key): [string, ProviderOptions][] => {
    const changes = entries[key]
    return changes === false ? [] : [[key, { ...all[key], ...changes }]]
  })
  const house = openHouse({
    callbackPath: '/auth/callback/github',
    ...options,
    ...(mode && { mode }),
    ...(beside && { beside }),
    elsewhere: { [forgeOrigin]: forge },
    make: ({ clientId: _, clientSecret: __, ...rest }, environment) =>
      new MultiProvider({ ...rest, providers: Object.fromEntries(listed) }, environment),
  })
  return Object.assign(house, { standIns: { github: house.github, forge } })
}

/** An upstream of this world, as its entry has it. */
export function upstreamOf(key: Key): Upstream {
  return key === 'github' ? github(upstreamOrigin) : { ...github(forgeOrigin), name: 'Forge' }
}

/** Registers a client, chooses `key` at the page and signs in there: everything up to the callback. */
export async function comeWith(
  house: SeveralHouse,
  key: Key,
  parameters?: Record<string, string | undefined>,
  tab: Tab = openTab(house),
): Promise<UnderWay> {
  const clientId = await house.register()
  const page = await tab.open(house.authorizeUrl(clientId, parameters))
  const { refresh } = await choose(tab, page, key)
  const state = new URL(refresh).searchParams.get('state') ?? ''
  return { tab, clientId, state, callback: await signInWith(house, key, refresh) }
}

/** Presses the button of a provider. */
export function choose(tab: Tab, page: Answer, key: string): Promise<Answer> {
  return tab.decide(page, '', {}, { provider: key })
}

/** Signs in at that upstream; answers the callback's URL with its answer. */
export function signInWith(house: SeveralHouse, key: Key, url: string, fields?: Readonly<Record<string, string>>): Promise<string> {
  return signInUpstream({ github: house.standIns[key] }, url, fields)
}

/** A login with one provider, as far as the client's tokens. */
export async function logInWith(
  house: SeveralHouse,
  key: Key,
  parameters?: Record<string, string | undefined>,
): Promise<{ clientId: string; tokens: { access_token: string; refresh_token: string; scope: string } }> {
  const { tab, clientId, callback } = await comeWith(house, key, parameters)
  const { location } = await tab.open(callback)
  const answer = await house.redeem(clientId, new URL(location).searchParams.get('code') ?? '')
  return { clientId, tokens: await answer.json() }
}
