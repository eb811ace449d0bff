/** One clause of a contract: a rule in words, and how to see whether it holds. Rejects with an `AssertionError` when it does not. */
export interface Clause<Harness> {
  readonly rule: string
  run(harness: Harness): Promise<void>
}
