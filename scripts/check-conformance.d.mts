interface TestReport {
  readonly whole: boolean
  readonly tests: readonly { readonly file: string; readonly name: string; readonly status: string }[]
}

interface Row {
  readonly number: number
  readonly what: string
  readonly proofs: readonly { readonly file: string; readonly text: string }[]
  readonly due?: string
  readonly notOurs?: string
}

export function parseTable(markdown: string): Row[]
export function problemsOf(markdown: string, report: TestReport | undefined): string[]
