import type { Directory } from '@drawbridge/core'
import { fixedEnvironment } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { type DirectoryHarness, directoryContract } from './contract/index.ts'
import { memoryStore } from './index.ts'

const pause = () => new Promise<void>((resolve) => setImmediate(resolve))

type Breakage = (directory: Directory) => Partial<Directory>

function harness(breakage: Breakage): DirectoryHarness {
  const environment = fixedEnvironment()
  const { directory } = memoryStore({ environment })
  if (!directory) throw new Error('no directory')
  return { directory: { ...directory, ...breakage(directory) }, advance: async (by) => environment.advance(by) }
}

async function broken(judged: DirectoryHarness): Promise<string[]> {
  const names: string[] = []
  for (const { name, run } of directoryContract) await run(judged).catch(() => names.push(name))
  return names
}

/** All members of a list, whatever the cursor. */
const everything = async (directory: Directory, list: string) => (await directory.list(list, undefined, 1000)).members

/** Directories that break one promise each, with what has to find it. */
const brokenDirectories: Record<string, { breakage: Breakage; finds: string[] }> = {
  'reads and then writes': {
    breakage() {
      const lists = new Map<string, string[]>()
      return {
        async add(list, member) {
          const members = lists.get(list) ?? []
          await pause()
          lists.set(list, [...new Set([...members, member])])
        },
        list: async (list) => ({ members: lists.get(list) ?? [] }),
      }
    },
    finds: ['loses none of fifty that are added at once'],
  },
  'keeps members as an array': {
    breakage() {
      const lists = new Map<string, string[]>()
      return {
        add: async (list, member) => void lists.set(list, [...(lists.get(list) ?? []), member]),
        list: async (list) => ({ members: lists.get(list) ?? [] }),
        remove: async (list, member) => void lists.set(list, lists.get(list)?.filter((other) => other !== member) ?? []),
      }
    },
    finds: ['lists what was added, once, however often it was added'],
  },
  'keeps members as properties': {
    breakage(directory) {
      const known: Record<string, unknown> = {}
      return { add: async (list, member, ttl) => (known[member] ? undefined : directory.add(list, member, ttl)) }
    },
    finds: ['keeps any member as it is'],
  },
  'has one list for all': {
    breakage: (directory) => ({
      add: (_, member, ttl) => directory.add('list', member, ttl),
      list: (_, cursor, limit) => directory.list('list', cursor, limit),
      remove: (_, member) => directory.remove('list', member),
    }),
    finds: ['keeps lists apart'],
  },
  'knows only lists that somebody added to': {
    breakage: (directory) => ({
      async list(list, cursor, limit) {
        const page = await directory.list(list, cursor, limit)
        if (page.members.length === 0) throw new RangeError('no such list')
        return page
      },
    }),
    finds: ['has no members in a list that nobody added to'],
  },
  'removes the whole list': {
    breakage: (directory) => ({
      remove: async (list) => {
        for (const member of await everything(directory, list)) await directory.remove(list, member)
      },
    }),
    finds: ['does not list what was removed, and removes nothing else'],
  },
  'removes nothing': {
    breakage: () => ({ remove: async () => {} }),
    finds: ['does not list what was removed, and removes nothing else'],
  },
  'has a cursor that counts': {
    breakage: (directory) => ({
      async list(list, cursor = '0', limit) {
        const members = await everything(directory, list)
        const from = Number(cursor)
        const page = members.slice(from, from + limit)
        return from + limit < members.length ? { members: page, next: String(from + limit) } : { members: page }
      },
    }),
    finds: ['comes by every member that stays while others come and go between two pages'],
  },
  'gives the first page only': {
    breakage: (directory) => ({ list: async (list, cursor, limit) => ({ members: (await directory.list(list, cursor, limit)).members }) }),
    finds: ['comes by every member in pages of any size'],
  },
  'gives larger pages than were asked for': {
    breakage: (directory) => ({ list: (list, cursor, limit) => directory.list(list, cursor, limit + 1) }),
    finds: ['comes by every member in pages of any size'],
  },
  'forgets nobody': {
    breakage: (directory) => ({ add: (list, member, ttl) => directory.add(list, member, ttl + 10_000) }),
    finds: ['forgets a member when its time is over'],
  },
  'lets a shorter time win': {
    breakage: (directory) => ({
      async add(list, member, ttl) {
        await directory.remove(list, member)
        await directory.add(list, member, ttl)
      },
    }),
    finds: ['never shortens the time of a member'],
  },
}

describe('the contract of directories catches a directory that', () => {
  const caught = new Set<string>()

  it.each(Object.entries(brokenDirectories))('%s', async (_, { breakage, finds }) => {
    const found = await broken(harness(breakage))
    for (const name of found) caught.add(name)
    expect(found).toEqual(expect.arrayContaining(finds))
  })

  it('keeps its promises: by no clause', async () => {
    expect(await broken(harness(() => ({})))).toEqual([])
  })

  it('…and by every clause at least one: a clause that nothing breaks says nothing', () => {
    expect(directoryContract.map(({ name }) => name).filter((name) => !caught.has(name))).toEqual([])
  })
})
