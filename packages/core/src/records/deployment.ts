import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import type { Environment } from '../ports/environment.ts'
import type { Emit } from '../ports/events.ts'
import { type Store, StoreUnavailable, StoreUnreadable } from '../ports/store.ts'
import { ConfigurationError } from '../protocol/errors.ts'
import { timeOfId } from '../protocol/identifiers.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import { parseRecord } from './collection.ts'

/** The first record of a store: whose it is, and the keys that never rotate. Hosts that share a store share it. */
export interface Deployment {
  readonly createdAt: UnixSeconds
  readonly endsAt: UnixSeconds
  readonly namespace: string
  readonly issuer: string
  /** Names records, so that no name tells what it stands for. */
  readonly recordNameKey: string
  /** Seals what a form carries, and makes the login cookie. */
  readonly formKey: string
}

const deploymentShape: z.ZodType<Deployment> = z.looseObject({
  createdAt: z.number(),
  endsAt: z.number(),
  namespace: z.string(),
  issuer: z.string(),
  recordNameKey: z.string(),
  formKey: z.string(),
})

/** A deployment that was opened, ready to name records. */
export interface OpenDeployment {
  readonly record: Deployment
  /** The store's key for a record: `{namespace}:{kind}:` and a keyed hash of its id. */
  name(kind: string, id: string): string
  /** A key for one purpose, made from `formKey`. */
  formKeyFor(purpose: string): Buffer
}

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
export interface DeploymentNeeds {
  readonly store: Store
  readonly namespace: string
  readonly issuer: string
  readonly environment: Environment
  readonly emit: Emit
}

/** How long a process trusts what it remembers of the deployment; then it is read again, beside a request, and renewed when due. */
const remembered = 3600

/** How long a look into the store can be under way, and hosts' clocks be apart. */
const underWay = 5

/** Finds or makes the deployment record at its fixed name. */
export function deploymentDoor(needs: DeploymentNeeds): DeploymentDoor {
  const { environment, emit } = needs
  let opened: Opened | undefined
  let opening: Promise<OpenDeployment> | undefined

  async function reopen(): Promise<OpenDeployment> {
    const record = await readOrCreate(needs, opened?.deployment.record)
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
      if (!opened || !isLost(opened, mintedAt, environment.now())) return
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
function isLost({ deployment, replacedAt = 0 }: Opened, mintedAt: UnixSeconds, now: UnixSeconds): boolean {
  const { createdAt } = deployment.record
  return (mintedAt < createdAt && now - createdAt < fixedLifetimes.youngDeployment) || now - replacedAt <= underWay
}

async function readOrCreate(
  { store, namespace, issuer, environment }: DeploymentNeeds,
  known: Deployment | undefined,
): Promise<Deployment> {
  const key = `${namespace}:deployment`
  for (;;) {
    const entry = await store.get(key)
    const now = environment.now()
    const found = entry && parseDeployment(entry)
    if (found && (found.issuer !== issuer || found.namespace !== namespace)) throw anotherDeployment(found, namespace, issuer)
    if (found && found.endsAt - now > fixedLifetimes.deploymentRenewal) return found
    const key32 = () => Buffer.from(environment.randomBytes(32)).toString('base64url')
    const base = found ?? {
      namespace,
      issuer,
      recordNameKey: known?.recordNameKey ?? key32(),
      formKey: known?.formKey ?? key32(),
      createdAt: now,
    }
    const next: Deployment = { ...base, endsAt: now + fixedLifetimes.deployment }
    if (await store.set(key, JSON.stringify(next), fixedLifetimes.deployment, entry)) return next
  }
}

function parseDeployment(entry: { readonly value: string }): Deployment {
  try {
    return parseRecord(deploymentShape, entry.value)
  } catch (cause) {
    if (!(cause instanceof StoreUnreadable)) throw cause
    throw new ConfigurationError(
      ['the storage key does not open the store: set the key that sealed it (first or later in the list), or use an empty store'],
      { cause },
    )
  }
}

function anotherDeployment(found: Deployment, namespace: string, issuer: string): ConfigurationError {
  return new ConfigurationError([
    `the store belongs to the issuer ${found.issuer} in the namespace ${found.namespace}, not to ${issuer} in ${namespace}: set issuerUrl back, or give this deployment a namespace of its own`,
  ])
}

function openDeployment(record: Deployment): OpenDeployment {
  const nameKey: KeyObject = createSecretKey(record.recordNameKey, 'base64url')
  return {
    record,
    name: (kind, id) => `${record.namespace}:${kind}:${createHmac('sha256', nameKey).update(`${kind}\0${id}`).digest('base64url')}`,
    formKeyFor: (purpose) => createHmac('sha256', Buffer.from(record.formKey, 'base64url')).update(purpose).digest(),
  }
}
