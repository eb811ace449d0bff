import type { Seconds, UnixSeconds } from '../protocol/time.ts'

/** What happened, for the operator: without secrets, by design of its fields. `docs/events.md` has a row for each. */
export type Event =
  | {
      readonly type: 'client.registered'
      readonly clientId: string
      readonly clientName: string | undefined
      readonly access: 'open' | 'initial_access_token'
      readonly initialAccessTokenId?: string
      readonly kept: 'stored' | 'managed' | 'sealed'
    }
  | { readonly type: 'client.changed'; readonly clientId: string; readonly clientName: string | undefined }
  | { readonly type: 'client.removed'; readonly clientId: string }
  | { readonly type: 'document.read'; readonly clientId: string; readonly clientName: string | undefined }
  | { readonly type: 'document.refused'; readonly clientId: string; readonly reason: string }
  | {
      readonly type: 'request.refused'
      readonly endpoint: string
      readonly error: string
      readonly reason: string
      readonly clientId?: string
    }
  | { readonly type: 'request.limited'; readonly endpoint: string }
  | { readonly type: 'request.failed'; readonly endpoint: string; readonly errorName: string }
  | { readonly type: 'consent.approved'; readonly clientId: string; readonly provider?: string }
  | { readonly type: 'consent.denied'; readonly clientId: string }
  | { readonly type: 'consent.skipped'; readonly clientId: string; readonly because: 'remembered' | 'external'; readonly provider?: string }
  | { readonly type: 'device.approved'; readonly clientId: string; readonly grantId: string }
  | { readonly type: 'device.denied'; readonly clientId: string }
  | { readonly type: 'callback.binding_mismatch' }
  | { readonly type: 'callback.refused'; readonly clientId: string; readonly reason: string; readonly provider?: string }
  | {
      readonly type: 'grant.opened'
      readonly clientId: string
      readonly grantId: string
      readonly subject: string
      readonly provider?: string
    }
  | { readonly type: 'initial_access_token.created'; readonly initialAccessTokenId: string; readonly uses: number }
  | { readonly type: 'initial_access_token.revoked'; readonly initialAccessTokenId: string }
  | { readonly type: 'token.issued'; readonly clientId: string; readonly grantId: string; readonly generation: number }
  | { readonly type: 'code.replayed' | 'refresh.replayed'; readonly clientId: string; readonly grantId: string }
  | { readonly type: 'grant.ended'; readonly clientId: string; readonly grantId: string; readonly reason: string }
  | {
      readonly type: 'scope.elevated'
      readonly clientId: string
      readonly grantId: string
      readonly requested: readonly string[]
      readonly granted: readonly string[]
    }
  | {
      readonly type: 'token.refused'
      readonly reason: string
      readonly clientId?: string
      readonly grantId?: string
      readonly scopes?: readonly string[]
    }
  | { readonly type: 'upstream.refreshed'; readonly grantId: string; readonly provider?: string }
  | { readonly type: 'issuer.failed'; readonly issuer: string; readonly reason: string }
  | { readonly type: 'upstream.failed'; readonly operation: string; readonly reason: string; readonly provider?: string }
  | { readonly type: 'upstream.client_refused'; readonly reason: string; readonly provider?: string }
  | { readonly type: 'store.unavailable'; readonly endpoint: string; readonly reason: string }
  | { readonly type: 'store.lost'; readonly kind: string }
  | { readonly type: 'record.outdated'; readonly kind: string }
  | { readonly type: 'record.unreadable'; readonly kind: string; readonly name: string }
  | { readonly type: 'store.exposed'; readonly reason: string }
  | { readonly type: 'store.unsafe'; readonly setting: string; readonly verdict: 'refused' | 'warned'; readonly reason: string }
  | { readonly type: 'clock.skewed'; readonly seconds: Seconds }

/** Names the provider in an event that concerns an upstream, where there are several and it has a key. */
export function byProvider(provider: string | undefined): { readonly provider?: string } {
  return provider === undefined ? {} : { provider }
}

/** An event, when it happened, and because of which request: the id that its answer carries. Absent for what no request asked for. */
export type RecordedEvent = Event & { readonly at: UnixSeconds; readonly requestId?: string }

/** Tells the operator; never throws and never waits. */
export type Emit = (event: Event) => void
