/** A length of time, in whole seconds. The only unit of time inside Drawbridge (ours). */
export type Seconds = number

/** A moment, in whole seconds since 1970 (RFC 7519 §2, NumericDate). */
export type UnixSeconds = number
