import type { OAuthProxyOptions, RecordedEvent, Resealed, ToolScopes } from '@drawbridge/core'
import type { RedisCluster } from '../support/redis-cluster.ts'
import type { RedisSentinels } from '../support/redis-sentinel.ts'

/** Where a host keeps its state. All but `redis`, `postgres` and `sqlite` are doubles, which lose races, what they said was written, or their errors. */
export type HostStore =
  | {
      readonly kind:
        | 'redis'
        | 'postgres'
        | 'looks-then-writes'
        | 'writes-behind'
        | 'publishes-first'
        | 'keeps-leases'
        | 'frees-leases'
        | 'hides-lost-races'
        | 'swallows-errors'
      readonly url: string
    }
  | { readonly kind: 'redis-nodes'; readonly target: RedisCluster['target'] | RedisSentinels['target'] }
  | { readonly kind: 'sqlite'; readonly path: string }

/** What a host is told when it starts. */
export interface HostPlan {
  /** The public URL, the same for all hosts of a deployment. */
  readonly baseUrl: string
  /** Where the upstream is. */
  readonly serverUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly store: HostStore
  /** The keys that open the store, the first of which seals it, with blanks between them; without one it is left in clear, which only a test does. */
  readonly storageKey?: string
  readonly namespace?: string
  /** The signing keys, the first of which signs. Default: one of the tests'. */
  readonly signingKeys?: readonly string[]
  /** How far its clock is ahead, and that of its store. */
  readonly ahead: number
  /** How far its clock is ahead of all others. Default: not at all. */
  readonly skew?: number
  /** The scopes that tools need beside, which has the gate read every call. */
  readonly toolScopes?: ToolScopes
  /** Options beside those that every host of a test has. */
  readonly options?: Partial<OAuthProxyOptions>
  /** Whether it can be told where to end. */
  readonly mortal?: boolean
  /** Whether it tells no events: in a hundred thousand requests, telling them is a tenth of the work. */
  readonly silent?: boolean
}

/** What a process holds. */
export interface HostMeasure {
  /** Bytes. */
  readonly rss: number
  /** Bytes, after what nobody holds was collected where the host can do that. */
  readonly heapUsed: number
  /** Sockets, timers and the like that keep it alive. */
  readonly resources: number
  /** How late its event loop was at most since it was asked last, in milliseconds; a busy machine makes it late as well. */
  readonly late: number
  /** How much of that time it worked itself at most, between two turns of the loop, in milliseconds. */
  readonly kept: number
  /** The time that it worked since its start, in milliseconds. */
  readonly worked: number
}

/** What a host tells. */
export type HostReport =
  | { readonly is: 'listening'; readonly port: number }
  | { readonly is: 'refused'; readonly problems: readonly string[] }
  | { readonly is: 'moved' }
  | { readonly is: 'armed' }
  | { readonly is: 'crossed'; readonly points: readonly string[] }
  | { readonly is: 'rotated'; readonly resealed: Resealed }
  | { readonly is: 'event'; readonly event: RecordedEvent }
  | { readonly is: 'measured'; readonly measure: HostMeasure }

/**
 * What a host is told while it runs: its clock is moved on; it is to end at a point; it is to tell which it crossed since then;
 * it is to seal again what an older key sealed, or to say what it holds; it is to go wrong in a way that nobody handles.
 */
export type HostOrder =
  | { readonly advance: number }
  | { readonly endAt: string }
  | { readonly tell: 'points' }
  | { readonly rotate: true }
  | { readonly measure: true }
  | { readonly plant: Planting }

/** What nobody handles. */
export type Planting = 'rejection' | 'exception' | 'error event'
