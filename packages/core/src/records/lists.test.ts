import { describe, expect, it } from 'vitest'
import { defaultLifetimes as lifetimes } from '../protocol/lifetimes.ts'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { storeDouble } from '../testing/store-double.ts'
import { deploymentDoor } from './deployment-door.ts'
import { type ListOf, type Lists, openLists } from './lists.ts'

function open() {
  const environment = fixedEnvironment()
  const store = storeDouble(environment)
  const deployment = deploymentDoor({ store, lifetimes, namespace: 'test', issuer: 'https://mcp.example.com', environment, emit: () => {} })
  const named = (): string[] => [...new Set(store.calls.filter(({ method }) => method === 'add').map(({ key }) => key))]
  return { environment, store, deployment, lists: openLists(store.directory, deployment), named }
}

async function membersOf(lists: Lists, list: ListOf): Promise<string[]> {
  const members: string[] = []
  for await (const member of lists.members(list)) members.push(member)
  return members.sort()
}

const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `id ${String(index).padStart(4, '0')}`)

describe('a list', () => {
  it.each<ListOf>([{ kind: 'subject-grants', id: '583231' }, { kind: 'client-grants', id: 'client-1' }, { kind: 'clients' }])(
    'of $kind names what was added, over any number of pages, and no longer what was removed',
    async (list) => {
      const { lists } = open()
      const added = ids(450)
      await Promise.all(added.map((member) => lists.add(list, member, 100)))
      expect(await membersOf(lists, list)).toEqual(added)
      await Promise.all(added.slice(0, 440).map((member) => lists.remove(list, member)))
      expect(await membersOf(lists, list)).toEqual(added.slice(440))
    },
  )

  it('forgets a member when its time is over, and the later of two times holds', async () => {
    const { lists, environment } = open()
    const list: ListOf = { kind: 'clients' }
    await lists.add(list, 'one', 100)
    await lists.add(list, 'two', 100)
    await lists.add(list, 'two', 10)
    await lists.add(list, 'two', 200)
    environment.advance(100)
    expect(await membersOf(lists, list)).toEqual(['two'])
  })

  it('is another one for every kind and id', async () => {
    const { lists } = open()
    await lists.add({ kind: 'subject-grants', id: 'x' }, 'of the subject', 100)
    await lists.add({ kind: 'client-grants', id: 'x' }, 'of the client', 100)
    await lists.add({ kind: 'clients' }, 'of all', 100)
    expect(await membersOf(lists, { kind: 'subject-grants', id: 'x' })).toEqual(['of the subject'])
    expect(await membersOf(lists, { kind: 'client-grants', id: 'x' })).toEqual(['of the client'])
    expect(await membersOf(lists, { kind: 'clients' })).toEqual(['of all'])
    expect(await membersOf(lists, { kind: 'subject-grants', id: 'y' })).toEqual([])
  })

  it('has a name that tells neither the subject nor the client (T89)', async () => {
    const { lists, named } = open()
    await lists.add({ kind: 'subject-grants', id: 'somebody@example.com' }, 'g', 100)
    await lists.add({ kind: 'client-grants', id: 'https://client.example.com/c.json' }, 'g', 100)
    for (const name of named()) expect(name).toMatch(/^test:(subject-grants|client-grants):[A-Za-z0-9_-]{43}$/)
  })

  it('of clients or of a client’s grants is split 64 times, of a subject’s grants never', async () => {
    const { lists, named } = open()
    const added = ids(2000)
    await Promise.all(added.map((member) => lists.add({ kind: 'clients' }, member, 100)))
    expect(named()).toHaveLength(64)
    const again = open()
    await Promise.all(added.map((member) => again.lists.add({ kind: 'subject-grants', id: 'x' }, member, 100)))
    expect(again.named()).toHaveLength(1)
  })
})

describe('without a directory', () => {
  it('adding and removing are nothing, and reading says what to do', async () => {
    const { deployment } = open()
    const lists = openLists(undefined, deployment)
    await lists.add({ kind: 'clients' }, 'one', 100)
    await lists.remove({ kind: 'clients' }, 'one')
    await expect(membersOf(lists, { kind: 'clients' })).rejects.toThrow(
      'This store has no directory: revoke by { grantId }, or use a store that has one.',
    )
  })
})
