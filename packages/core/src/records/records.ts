import type { z } from 'zod'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import type { Store } from '../ports/store.ts'
import type { Lifetimes } from '../protocol/lifetimes.ts'
import { type Client, clientShape } from './client.ts'
import { type Collection, type Ending, openCollection } from './collection.ts'
import { type DeploymentDoor, deploymentDoor } from './deployment-door.ts'
import { type Device, deviceShape } from './device.ts'
import { type Grant, grantShape } from './grant.ts'
import { type InitialAccessToken, initialAccessTokenShape } from './initial-access-token.ts'
import { type Lease, leaseShape } from './lease.ts'
import { type Lists, openLists } from './lists.ts'
import { type Once, onceShape } from './once.ts'
import { type PushedRequest, pushedRequestShape } from './pushed-request.ts'
import { type RememberedConsent, rememberedConsentShape } from './remembered-consent.ts'
import { type Transaction, transactionShape } from './transaction.ts'
import { type StoreWatch, watchStore } from './watch-store.ts'

/** All state there is. */
export interface Records {
  readonly deployment: DeploymentDoor
  readonly storeWatch: StoreWatch
  readonly clients: Collection<Client>
  readonly pushedRequests: Collection<PushedRequest>
  readonly transactions: Collection<Transaction>
  readonly devices: Collection<Device>
  readonly grants: Collection<Grant>
  readonly leases: Collection<Lease>
  readonly onces: Collection<Once>
  readonly rememberedConsents: Collection<RememberedConsent>
  readonly initialAccessTokens: Collection<InitialAccessToken>
  readonly lists: Lists
}

/** What the records are opened with. */
export interface RecordsNeeds {
  readonly lifetimes: Pick<Lifetimes, 'lostStore'>
  readonly store: Store
  readonly namespace: string
  readonly issuer: string
  readonly secure: boolean
  readonly environment: Environment
  readonly emit: Emit
}

/** Opens every collection. Nothing is read before it is needed. */
export function openRecords(needs: RecordsNeeds): Records {
  const { store, environment, emit } = needs
  const deployment = deploymentDoor(needs)
  const storeWatch = watchStore(needs)
  const open = <Rec extends Ending>(kind: string, shape: z.ZodType<Rec>): Collection<Rec> =>
    openCollection({
      kind,
      store,
      environment,
      emit,
      shape,
      async name(id) {
        storeWatch.lookBeside()
        return (await deployment.open()).name(kind, id)
      },
      missed: (id) => deployment.missed(kind, id),
    })
  return {
    deployment,
    storeWatch,
    clients: open('client', clientShape),
    pushedRequests: open('pushed-request', pushedRequestShape),
    transactions: open('transaction', transactionShape),
    devices: open('device', deviceShape),
    grants: open('grant', grantShape),
    leases: open('lease', leaseShape),
    onces: open('once', onceShape),
    rememberedConsents: open('remembered-consent', rememberedConsentShape),
    initialAccessTokens: open('initial-access-token', initialAccessTokenShape),
    lists: openLists(store.directory, deployment),
  }
}
