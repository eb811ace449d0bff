import { createHash } from 'node:crypto'
import type { Directory, DirectoryPage } from '../ports/directory.ts'
import type { Seconds } from '../protocol/time.ts'
import type { DeploymentDoor } from './deployment-door.ts'

/** Whose members a list has: the grants of a subject, the grants of a client, or all clients. */
export type ListOf = { readonly kind: 'subject-grants' | 'client-grants'; readonly id: string } | { readonly kind: 'clients' }

/** The lists beside the records, by which grants and clients are found from the outside. */
export interface Lists {
  add(list: ListOf, member: string, ttl: Seconds): Promise<void>
  remove(list: ListOf, member: string): Promise<void>
  /** Every member, page by page; it may name the dead. */
  members(list: ListOf): AsyncIterable<string>
}

/** Lists of a client and of all clients are split, so that no key of a shared store grows or heats without bound. */
const shards = 64
const page = 200

/** Opens the lists over a store's directory; over a store without one, adding is nothing and reading is an error. */
export function openLists(directory: Directory | undefined, deployment: DeploymentDoor): Lists {
  const name = async (list: ListOf, shard: number): Promise<string> => {
    const id = list.kind === 'clients' ? '' : list.id
    return (await deployment.open()).name(list.kind, list.kind === 'subject-grants' ? id : `${id}\0${shard}`)
  }
  return {
    add: async (list, member, ttl) => directory?.add(await name(list, shardOf(member)), member, ttl),
    remove: async (list, member) => directory?.remove(await name(list, shardOf(member)), member),
    async *members(list) {
      if (!directory) throw new TypeError('This store has no directory: revoke by { grantId }, or use a store that has one.')
      for (let shard = 0; shard < (list.kind === 'subject-grants' ? 1 : shards); shard += 1) yield* all(directory, await name(list, shard))
    },
  }
}

async function* all(directory: Directory, list: string): AsyncIterable<string> {
  let cursor: string | undefined
  do {
    const { members, next }: DirectoryPage = await directory.list(list, cursor, page)
    yield* members
    cursor = next
  } while (cursor !== undefined)
}

function shardOf(member: string): number {
  return createHash('sha256').update(member).digest().readUInt8(0) % shards
}
