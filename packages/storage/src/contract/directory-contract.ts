import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Directory, Seconds } from '@drawbridge/core'
import type { Clause } from './clause.ts'

/** A directory to judge. */
export interface DirectoryHarness {
  readonly directory: Directory
  advance(by: Seconds): Promise<void>
}

const hour: Seconds = 3600

const newList = (): string => `contract:list:${randomUUID()}`

async function all(directory: Directory, list: string, limit: number): Promise<string[]> {
  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = await directory.list(list, cursor, limit)
    assert.ok(page.members.length <= limit, 'a page has at most as many members as asked for')
    found.push(...page.members)
    cursor = page.next
  } while (cursor !== undefined)
  return found.sort()
}

/** What every directory owes: it may name the dead, and never misses the living. */
export const directoryContract: readonly Clause<DirectoryHarness>[] = [
  {
    name: 'has no members in a list that nobody added to',
    run: async ({ directory }) => assert.deepEqual(await directory.list(newList(), undefined, 10), { members: [] }),
  },
  {
    name: 'lists what was added, once, however often it was added',
    async run({ directory }) {
      const list = newList()
      for (const member of ['b', 'a', 'b', 'c', 'a']) await directory.add(list, member, hour)
      assert.deepEqual(await all(directory, list, 10), ['a', 'b', 'c'])
    },
  },
  {
    name: 'does not list what was removed, and removes nothing else',
    async run({ directory }) {
      const list = newList()
      for (const member of ['a', 'b', 'c']) await directory.add(list, member, hour)
      await directory.remove(list, 'b')
      await directory.remove(list, 'never there')
      assert.deepEqual(await all(directory, list, 10), ['a', 'c'])
    },
  },
  {
    name: 'keeps any member as it is',
    async run({ directory }) {
      const list = newList()
      const members = ['https://client.example/ümläut?a=b#c', 'A', 'a', '%', "'", '__proto__', 'constructor', 'x'.repeat(500)].sort()
      for (const member of members) await directory.add(list, member, hour)
      assert.deepEqual(await all(directory, list, 3), members)
      for (const member of members) await directory.remove(list, member)
      assert.deepEqual(await all(directory, list, 3), [])
    },
  },
  {
    name: 'keeps lists apart',
    async run({ directory }) {
      const [one, other] = [newList(), newList()]
      await directory.add(one, 'a', hour)
      await directory.add(other, 'b', hour)
      assert.deepEqual(await all(directory, one, 10), ['a'])
    },
  },
  {
    name: 'loses none of fifty that are added at once',
    async run({ directory }) {
      const list = newList()
      const members = Array.from({ length: 50 }, (_, index) => `member-${String(index).padStart(2, '0')}`)
      await Promise.all(members.map((member) => directory.add(list, member, hour)))
      assert.deepEqual(await all(directory, list, 100), members)
    },
  },
  {
    name: 'comes by every member in pages of any size',
    async run({ directory }) {
      const list = newList()
      const members = Array.from({ length: 25 }, (_, index) => `member-${String(index).padStart(2, '0')}`)
      for (const index of members.keys()) await directory.add(list, members[(index * 7) % 25] ?? '', hour)
      for (const limit of [1, 5, 24, 25, 26]) assert.deepEqual(await all(directory, list, limit), members)
    },
  },
  {
    name: 'comes by every member that stays while others come and go between two pages',
    async run({ directory }) {
      const list = newList()
      for (const member of ['g', 'c', 'a', 'e']) await directory.add(list, member, hour)
      const first = await directory.list(list, undefined, 2)
      for (const member of first.members) await directory.remove(list, member)
      await directory.add(list, 'b', hour)
      const rest: string[] = []
      for (let cursor = first.next; cursor !== undefined; ) {
        const page = await directory.list(list, cursor, 2)
        rest.push(...page.members)
        cursor = page.next
      }
      const stayed = ['a', 'c', 'e', 'g'].filter((member) => !first.members.includes(member))
      assert.deepEqual(
        stayed.filter((member) => !rest.includes(member)),
        [],
      )
    },
  },
  {
    name: 'forgets a member when its time is over',
    async run({ directory, advance }) {
      const list = newList()
      await directory.add(list, 'brief', 1)
      await directory.add(list, 'long', hour)
      await advance(2)
      assert.deepEqual(await all(directory, list, 10), ['long'])
    },
  },
  {
    name: 'never shortens the time of a member',
    async run({ directory, advance }) {
      const list = newList()
      await directory.add(list, 'a', hour)
      await directory.add(list, 'a', 1)
      await advance(2)
      assert.deepEqual(await all(directory, list, 10), ['a'])
    },
  },
]
