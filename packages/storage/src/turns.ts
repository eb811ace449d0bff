/** Runs the work for a key after all work for it that came before. */
export type InTurn = <Result>(key: string, work: () => Promise<Result>) => Promise<Result>

/** Makes turns: one at a time for each key, in the order of asking; nothing is kept for a key that nobody waits for. */
export function takingTurns(): InTurn {
  const last = new Map<string, Promise<unknown>>()
  return (key, work) => {
    const before = last.get(key) ?? Promise.resolve()
    const mine = before.then(work, work)
    const settled = mine
      .catch(() => {})
      .then(() => {
        if (last.get(key) === settled) last.delete(key)
      })
    last.set(key, settled)
    return mine
  }
}
