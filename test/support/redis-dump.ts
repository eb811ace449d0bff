import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { redisCommand } from './redis-server.ts'

/** A key of Redis with everything it holds. */
export interface DumpedKey {
  readonly key: string
  /** The text of a string; the members of a sorted set. */
  readonly values: readonly string[]
  /** Milliseconds it has left; -1 when it has no end. */
  readonly ttl: number
}

const everything = `
local keys = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind, values = redis.call('TYPE', key).ok, nil
  if kind == 'string' then values = { redis.call('GET', key) }
  elseif kind == 'zset' then values = redis.call('ZRANGE', key, 0, -1)
  else error('a ' .. kind) end
  keys[#keys + 1] = { key = key, values = values, ttl = redis.call('PTTL', key) }
end
return cjson.encode(keys)`

/** All keys of a Redis, with what they hold. Fails for a kind of key that no store writes. */
export async function dumpRedis(port: number): Promise<DumpedKey[]> {
  const json = await readBulk(port, ['EVAL', everything, '0'])
  const keys: DumpedKey[] | Record<string, never> = JSON.parse(json)
  // An empty table of Lua is an object.
  return Array.isArray(keys) ? keys : []
}

const lifetimes = `
local count, endless, longest = 0, 0, 0
for _, key in ipairs(redis.call('KEYS', '*')) do
  local ttl = redis.call('PTTL', key)
  count = count + 1
  if ttl < 0 then endless = endless + 1 end
  longest = math.max(longest, ttl)
end
return cjson.encode({ count = count, endless = endless, longest = longest })`

/** How many keys a Redis has, how many of them have no end, and how long the longest has left, in milliseconds. */
export async function keyLifetimes(port: number): Promise<{ count: number; endless: number; longest: number }> {
  return JSON.parse(await readBulk(port, ['EVAL', lifetimes, '0']))
}

/** The bytes of the files that a Redis keeps: a snapshot made now, and the append-only file. */
export async function dumpRedisFiles(port: number): Promise<{ name: string; bytes: Buffer }[]> {
  await redisCommand(port, 'CONFIG', 'SET', 'rdbcompression', 'no')
  await redisCommand(port, 'SAVE')
  const folder = (await redisCommand(port, 'CONFIG', 'GET', 'dir')).split('\r\n')[4] ?? ''
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => ({ name: file.name, bytes: readFileSync(join(file.parentPath, file.name)) }))
}

/** Sends a command whose answer is one text, however long. */
function readBulk(port: number, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let answer = Buffer.alloc(0)
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer')))
    socket.on('error', reject)
    socket.on('data', (data) => {
      answer = Buffer.concat([answer, data])
      const head = answer.indexOf('\r\n')
      if (head === -1) return
      const [, length] = /^\$(\d+)$/.exec(answer.toString('latin1', 0, head)) ?? []
      if (length === undefined) return void socket.destroy(new Error(answer.toString('latin1')))
      if (answer.length < head + 2 + Number(length)) return
      socket.destroy()
      resolve(answer.toString('utf8', head + 2, head + 2 + Number(length)))
    })
    socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
  })
}
