import type { Directory, Environment } from '@drawbridge/core'
import type { SqliteDatabase } from './sqlite-database.ts'

const add = `INSERT INTO members (list, member, ends_at) VALUES (?, ?, ?)
  ON CONFLICT (list, member) DO UPDATE SET ends_at = max(members.ends_at, excluded.ends_at)`
const page = 'SELECT member FROM members WHERE list = ? AND member > ? AND ends_at > ? ORDER BY member LIMIT ?'
const remove = 'DELETE FROM members WHERE list = ? AND member = ?'

/** A directory as a table. Pages go by the order of the members, so a cursor survives additions and removals. */
export function sqliteDirectory(database: SqliteDatabase, environment: Environment): Directory {
  return {
    async add(list, member, ttl) {
      await database.change(add, list, member, environment.now() + ttl)
    },
    async list(list, cursor, limit) {
      const rows = await database.rows(page, list, cursor ?? '', environment.now(), limit + 1)
      const members = rows.slice(0, limit).map((row) => String(row.member))
      const last = members.at(-1)
      return rows.length > limit && last !== undefined ? { members, next: last } : { members }
    },
    async remove(list, member) {
      await database.change(remove, list, member)
    },
  }
}
