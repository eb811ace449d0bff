/** Does `work` for every item, so many at a time; the answers in the order of the items. */
export async function atMost<Item, Result>(
  many: number,
  items: Iterable<Item>,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const rest = [...items].entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of rest) results[index] = await work(item, index)
  }
  await Promise.all(Array.from({ length: many }, worker))
  return results
}
