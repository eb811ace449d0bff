/** What one run of the suite came to. */
export interface Outcome {
  readonly name: string
  readonly passed: number
  /** Each check that is not as it has to be, in a line. */
  readonly failures: readonly string[]
}

/** A run that is still to be made. */
export interface Run {
  readonly name: string
  make(): Promise<Outcome>
}
