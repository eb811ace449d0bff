import type { RedisClient } from './redis-adapter.ts'
import { isReply } from './redis-errors.ts'
import type { RedisCommands } from './redis-node.ts'

/** Where a node says that the slot is: for good (`MOVED`), or for this one command (`ASK`). */
export function redirectionOf(cause: unknown, from: string): { address: string; lasting: boolean } | undefined {
  const [, word, host, port] = (isReply(cause) && /^(MOVED|ASK) \d+ (.*):(\d+)/.exec(cause.message)) || []
  if (word === undefined) return undefined
  return { address: `${host || from.slice(0, from.lastIndexOf(':'))}:${port}`, lasting: word === 'MOVED' }
}

/** The commands, each right behind the word that a slot on its way is asked for. */
export function askingFirst(client: RedisClient): RedisCommands {
  const ask = (): void => void client.sendCommand(['ASKING']).catch(() => {})
  return {
    get(key) {
      ask()
      return client.get(key)
    },
    eval(text, options) {
      ask()
      return client.eval(text, options)
    },
    evalSha(hash, options) {
      ask()
      return client.evalSha(hash, options)
    },
  }
}
