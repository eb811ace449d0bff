import { ensureChromium } from './ensure-chromium.mjs'
import { ensurePostgres } from './ensure-postgres.mjs'
import { ensureRedis } from './ensure-redis.mjs'

/** The environment of the tests: ours, and where what they need from this machine is. Ends everything where something is missing. */
export function withNeeds(environment) {
  try {
    return { ...environment, ...ensureChromium(), ...ensureRedis(), ...ensurePostgres() }
  } catch (cause) {
    console.error(cause.message)
    process.exit(1)
  }
}
