import { type Directory, type Environment, StoreUnavailable } from '@drawbridge/core'
import { type RedisConnection, redisScript } from './redis-connection.ts'

/** A list is a sorted set by the end of its members, and lives as long as the longest of them. Some of the dead go with each addition. */
const add = redisScript(`
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], last[2] .. '000')
return 1`)

const remove = redisScript(`return redis.call('ZREM', KEYS[1], ARGV[1])`)

/**
 * A page from a place in the order of end, then member. A member that is extended moves on in that order, so one that stays is
 * never passed over; a place need not be there any more.
 */
const page = redisScript(`
local score, member, limit = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local found = {}
local at = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[1])
while #found < limit * 2 do
  local rows = redis.call('ZRANGE', KEYS[1], at, at + limit, 'WITHSCORES')
  if #rows == 0 then break end
  for row = 1, #rows, 2 do
    if #found < limit * 2 and (tonumber(rows[row + 1]) > score or rows[row] > member) then
      found[#found + 1] = rows[row]
      found[#found + 1] = rows[row + 1]
    end
  end
  at = at + #rows / 2
end
return found`)

/** A directory in Redis. */
export function redisDirectory(redis: RedisConnection, environment: Environment): Directory {
  return {
    async add(list, member, ttl) {
      const now = environment.now()
      await redis.inTime((signal) => redis.run(add, list, [member, String(Math.ceil(now + ttl)), String(now)], signal))
    },
    async remove(list, member) {
      await redis.inTime((signal) => redis.run(remove, list, [member], signal))
    },
    async list(list, cursor, limit) {
      const [score, member] = cursor === undefined ? [String(environment.now() + 1), ''] : parseCursor(cursor)
      const rows = await redis.inTime((signal) => redis.run(page, list, [score, member, String(limit + 1)], signal))
      if (!Array.isArray(rows)) throw new StoreUnavailable('Redis did not answer with a list')
      const pairs = Array.from({ length: rows.length / 2 }, (_, index) => ({
        member: String(rows[index * 2]),
        score: String(rows[index * 2 + 1]),
      }))
      const members = pairs.slice(0, limit)
      const last = members.at(-1)
      const next = pairs.length > limit && last ? { next: `${last.score} ${last.member}` } : {}
      return { members: members.map((pair) => pair.member), ...next }
    },
  }
}

function parseCursor(cursor: string): [score: string, member: string] {
  const blank = cursor.indexOf(' ')
  return [cursor.slice(0, blank), cursor.slice(blank + 1)]
}
