import type { Directory } from '@drawbridge/core'
import { type PostgresConnection, prepared } from './postgres-connection.ts'
import type { PostgresTables } from './postgres-tables.ts'

/** A directory as a table. Pages go by the order of the members, so a cursor survives additions and removals. */
export function postgresDirectory(postgres: PostgresConnection, { members }: PostgresTables): Directory {
  const add = prepared(`INSERT INTO ${members} AS held (list, member, ends_at) VALUES ($1, $2, now() + make_interval(secs => $3))
    ON CONFLICT (list, member) DO UPDATE SET ends_at = greatest(held.ends_at, excluded.ends_at)`)
  const page = prepared(`SELECT member FROM ${members} WHERE list = $1 AND member > $2 AND ends_at > now() ORDER BY member LIMIT $3`)
  const remove = prepared(`DELETE FROM ${members} WHERE list = $1 AND member = $2`)

  return {
    async add(list, member, ttl) {
      await postgres.inTime((signal) => postgres.change(signal, add, list, member, ttl))
    },
    async list(list, cursor, limit) {
      const rows = await postgres.inTime((signal) => postgres.rows(signal, page, list, cursor ?? '', limit + 1))
      const found = rows.slice(0, limit).map(memberIn)
      const last = found.at(-1)
      return rows.length > limit && last !== undefined ? { members: found, next: last } : { members: found }
    },
    async remove(list, member) {
      await postgres.inTime((signal) => postgres.change(signal, remove, list, member))
    },
  }
}

function memberIn(row: unknown): string {
  return typeof row === 'object' && row !== null && 'member' in row ? String(row.member) : ''
}
