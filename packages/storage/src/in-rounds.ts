/**
 * Goes round `all`, a few items at a time: each call goes on where the one before stopped. At the end of a round it answers
 * fewer, and the next call begins anew.
 */
export function inRounds<Item>(all: () => Iterable<Item>): (most: number) => Item[] {
  let rest = all()[Symbol.iterator]()
  return (most) => {
    const items: Item[] = []
    while (items.length < most) {
      const { value, done } = rest.next()
      if (done) {
        rest = all()[Symbol.iterator]()
        return items
      }
      items.push(value)
    }
    return items
  }
}
