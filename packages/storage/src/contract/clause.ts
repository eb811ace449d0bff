/** One clause of a contract: its name is the rule, in words, and it rejects with an `AssertionError` when the rule does not hold. */
export interface Clause<Harness> {
  readonly name: string
  run(harness: Harness): Promise<void>
}
