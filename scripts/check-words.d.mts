interface SourceFile {
  readonly path: string
  readonly text: string
}

interface Finding {
  readonly path: string
  readonly line: number
  readonly found: string
  readonly instead: string
}

export function avoidedWords(files: readonly SourceFile[]): Finding[]
export function functionsWithoutRule(files: readonly SourceFile[]): Finding[]
