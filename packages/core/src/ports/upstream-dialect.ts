/** How an upstream's scopes are written (RFC 6749 §3.3). */
export interface UpstreamScopes {
  /** The name of a scope there, by its name here. Default: the same. */
  toUpstream?(scope: string): string
  /** And back. */
  fromUpstream?(scope: string): string
  /** Asked for at every login, in the upstream's own words, whatever the client asks: `offline_access`. */
  readonly always?: readonly string[]
  /** Granted without being named in the answer, in words of ours. */
  readonly unnamed?: readonly string[]
  /** The authorization parameter they go in. Default: `scope`. */
  readonly parameter?: string
  /** What separates them in that parameter. Default: a blank. */
  readonly separator?: ' ' | ','
  /** Whether token requests name them too, or which of them, in the upstream's own words. Default: false, as RFC 6749 has it. */
  readonly inTokenRequests?: boolean | ((scope: string) => boolean)
}

/** Departures from RFC 6749 that more than one upstream shows. */
export interface UpstreamQuirks {
  /** Errors arrive with status 200. */
  readonly errorsWithStatus200?: boolean
  /** Scopes are separated by commas. */
  readonly commaSeparatedScopes?: boolean
  /** The answer names no `token_type`. */
  readonly missingTokenType?: boolean
  /** Members that are not there are null, or empty. */
  readonly nullMembers?: boolean
  /** Scopes are a list. */
  readonly scopesInList?: boolean
  /** Token requests are JSON. */
  readonly jsonRequests?: boolean
  /** What nobody else does: the members of a good answer of the token endpoint, put where RFC 6749 §5.1 has them. */
  readonly readAnswer?: (answer: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>
  /** The name of an error, for `errorNames` too, where it is not in `error`, or says too little; undefined leaves it as it is. */
  readonly readError?: (answer: Readonly<Record<string, unknown>>) => string | undefined
}
