/**
 * A map that forgets: at most `limit` entries, the ones not asked for lately go first (ours).
 * Two generations of half the size each, so that both finding and forgetting are one step.
 */
export class BoundedCache<Value> {
  readonly #half: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  constructor(limit: number) {
    this.#half = Math.ceil(limit / 2)
  }

  /** What is kept under `key`, if it is still kept. */
  find(key: string): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.keep(key, old)
    return old
  }

  /** Keeps `value` for a while. */
  keep(key: string, value: Value): void {
    this.#young.set(key, value)
    if (this.#young.size < this.#half) return
    this.#old = this.#young
    this.#young = new Map()
  }

  /** Forgets `key` now. */
  forget(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }
}
