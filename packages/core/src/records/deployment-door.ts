import type { Emit } from '../ports/events.ts'
import { StoreUnavailable } from '../ports/store.ts'
import { timeOfId } from '../protocol/identifiers.ts'
import type { Lifetimes } from '../protocol/lifetimes.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import { type Deployment, type DeploymentPlace, type OpenDeployment, openDeployment, readOrCreateDeployment } from './deployment.ts'

/** The door to the deployment record. */
export interface DeploymentDoor {
  /** The deployment; made on the first start, then remembered. Throws `ConfigurationError` for a store that is another's or sealed by another key. */
  open(): Promise<OpenDeployment>
  /** Reads it again: whether the store can be reached, and is still ours. */
  check(): Promise<void>
  /** Rejects with `StoreUnavailable` when the store was flushed after `id` was minted: then it is lost, not unknown. */
  missed(kind: string, id: string): Promise<void>
}

/** What the door needs. */
export interface DeploymentNeeds extends DeploymentPlace {
  readonly lifetimes: Pick<Lifetimes, 'lostStore'>
  readonly emit: Emit
}

/** How long a process trusts what it remembers of the deployment; then it is read again, beside a request, and renewed when due. */
const remembered: Seconds = 60

/** How long a look into the store can be under way, and hosts' clocks be apart. */
const underWay = 5

/** Finds or makes the deployment record at its fixed name. */
export function deploymentDoor(needs: DeploymentNeeds): DeploymentDoor {
  const { lifetimes, environment, emit } = needs
  let opened: Opened | undefined
  let opening: Promise<OpenDeployment> | undefined

  async function reopen(): Promise<OpenDeployment> {
    const record = await readOrCreateDeployment(needs, opened?.deployment.record)
    opened = openAgain(opened, record, environment.now())
    return opened.deployment
  }

  const openOnce = (): Promise<OpenDeployment> => {
    opening ??= reopen().finally(() => {
      opening = undefined
    })
    return opening
  }

  return {
    async open() {
      if (!opened) return openOnce()
      if (environment.now() - opened.at > remembered) environment.defer(openOnce().then(() => {}))
      return opened.deployment
    },
    async check() {
      await openOnce()
    },
    async missed(kind, id) {
      const mintedAt = timeOfId(id)
      if (mintedAt === undefined) return
      await openOnce()
      if (!opened || !isLost(opened, mintedAt, environment.now(), lifetimes.lostStore)) return
      emit({ type: 'store.lost', kind })
      throw new StoreUnavailable('the store was emptied after this record was made, or it is another store')
    },
  }
}

/** A deployment as this process remembers it. */
interface Opened {
  readonly at: UnixSeconds
  readonly deployment: OpenDeployment
  /** When it was last found to be another one than before. */
  readonly replacedAt?: UnixSeconds
}

function openAgain(before: Opened | undefined, record: Deployment, at: UnixSeconds): Opened {
  if (!before) return { at, deployment: openDeployment(record) }
  const known = before.deployment.record
  const names = known.recordNameKey === record.recordNameKey ? before.deployment : openDeployment(record)
  return { ...before, at, deployment: { ...names, record }, ...(known.createdAt !== record.createdAt && { replacedAt: at }) }
}

// Whoever looked before the deployment was replaced looked into the emptied store, and perhaps under the old names.
function isLost({ deployment, replacedAt = 0 }: Opened, mintedAt: UnixSeconds, now: UnixSeconds, lostStore: Seconds): boolean {
  const { createdAt } = deployment.record
  return (mintedAt < createdAt && now - createdAt < lostStore) || now - replacedAt <= underWay
}
