import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import type { Environment } from '../ports/environment.ts'
import { type Store, StoreUnreadable } from '../ports/store.ts'
import { ConfigurationError } from '../protocol/errors.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { UnixSeconds } from '../protocol/time.ts'
import { parseRecord } from './entry-reader.ts'

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

/** Where the deployment is, and whose it has to be. */
export interface DeploymentPlace {
  readonly store: Store
  readonly namespace: string
  readonly issuer: string
  readonly environment: Environment
}

/**
 * The deployment at its fixed name: made when there is none, with the keys of the one that this process has `known`, and renewed
 * when it is due. Throws `ConfigurationError` for a store that is another's, or sealed by another key.
 */
export async function readOrCreateDeployment(
  { store, namespace, issuer, environment }: DeploymentPlace,
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

/** Makes a deployment ready to name records. */
export function openDeployment(record: Deployment): OpenDeployment {
  const nameKey: KeyObject = createSecretKey(record.recordNameKey, 'base64url')
  return {
    record,
    name: (kind, id) => `${record.namespace}:${kind}:${createHmac('sha256', nameKey).update(`${kind}\0${id}`).digest('base64url')}`,
    formKeyFor: (purpose) => createHmac('sha256', Buffer.from(record.formKey, 'base64url')).update(purpose).digest(),
  }
}
