/** A promise that is kept when somebody says so. */
export interface Promised {
  readonly promise: Promise<void>
  keep(): void
}

export function promised(): Promised {
  let keep = (): void => {}
  const promise = new Promise<void>((resolve) => {
    keep = resolve
  })
  return { promise, keep }
}
