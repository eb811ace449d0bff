/**
 * Goes round `all`, a few items at a time: each call goes on where the one before stopped, and at the end of a round from the
 * beginning, once. So `most` items or all of them are looked at, whichever is less.
 */
export function inRounds<Item>(all: () => Iterable<Item>): (most: number) => Item[] {
  let rest = all()[Symbol.iterator]()
  return (most) => {
    const items: Item[] = []
    for (let rounds = 0; items.length < most; ) {
      const { value, done } = rest.next()
      if (!done) items.push(value)
      else if (rounds === 1) return items
      else {
        rest = all()[Symbol.iterator]()
        rounds += 1
      }
    }
    return items
  }
}
