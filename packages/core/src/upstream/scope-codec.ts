import type { UpstreamScopes } from '../ports/upstream-dialect.ts'
import { offlineAccess } from '../protocol/scope.ts'

/** Translates scopes between our clients and an upstream. */
export interface ScopeCodec {
  /** What is asked for there, in its own words. */
  toUpstream(scopes: readonly string[]): readonly string[]
  /** What it granted, in ours. */
  fromUpstream(scopes: readonly string[]): readonly string[]
}

/** Opens the codec of an upstream. `offline_access` is a word of OpenID Connect, and is never translated (Core §11). */
export function scopeCodec(
  { toUpstream = same, fromUpstream = same, always = [], unnamed = [] }: UpstreamScopes = {},
  isOpenId: boolean,
): ScopeCodec {
  const first = isOpenId ? ['openid'] : []
  const unique = (scopes: readonly string[]): readonly string[] => [...new Set(scopes)]
  return {
    toUpstream: (scopes) => unique([...first, ...scopes.map((scope) => (scope === offlineAccess ? scope : toUpstream(scope))), ...always]),
    // Who sent an ID token was asked for one, whether it says so or not.
    fromUpstream: (scopes) => unique([...first, ...scopes.map(fromUpstream), ...unnamed]),
  }
}

function same(scope: string): string {
  return scope
}
