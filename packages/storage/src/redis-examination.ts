import type { Examination, Finding } from '@drawbridge/core'
import type { RedisClient } from './redis-adapter.ts'
import type { RedisConnection } from './redis-connection.ts'
import { isForbidden } from './redis-errors.ts'

/** What can be found wrong with a Redis, by the name of the setting. `INFO`: that nothing of it can be read. */
export type RedisSetting = 'maxmemory-policy' | 'appendonly' | 'appendfsync' | 'min-replicas-to-write' | 'INFO'

/** Asks every primary for its settings, and the first one for its clock. Rejects with `StoreUnavailable`. */
export async function examineRedis(redis: RedisConnection, accepted: readonly RedisSetting[], signal: AbortSignal): Promise<Examination> {
  const answers = await redis.ask(askNode, signal)
  const findings = new Map<string, Finding>()
  for (const { settings } of answers) for (const finding of findingsOf(settings)) findings.set(JSON.stringify(finding), finding)
  const now = answers[0]?.now
  const open = [...findings.values()].filter(({ setting }) => !accepted.some((one) => one === setting))
  return { ...(now !== undefined && { now }), findings: open }
}

/** What one node says; a setting that it does not tell is not there. */
interface Told {
  readonly now: number | undefined
  readonly settings: ReadonlyMap<string, string>
}

/** Managed servers forbid `CONFIG`, and some logins `INFO`: what is forbidden is not known, and what has no answer rejects. */
async function askNode(client: RedisClient): Promise<Told> {
  const read = (name: string): Promise<unknown> => client.configGet(name).catch(unlessForbidden)
  const [time, info, ...configured] = await Promise.all([
    client.time().catch(unlessForbidden),
    client.info().catch(unlessForbidden),
    ...['maxmemory-policy', 'appendonly', 'appendfsync', 'save', 'min-replicas-to-write'].map(read),
  ])
  const settings = new Map([...fieldsOf(info), ...configured.flatMap((answer) => Object.entries(Object(answer)).map(textPair))])
  return { now: Array.isArray(time) ? Number(time[0]) : undefined, settings }
}

function unlessForbidden(cause: unknown): undefined {
  if (!isForbidden(cause)) throw cause
}

const textPair = ([name, value]: readonly [string, unknown]): [string, string] => [name, String(value)]

/** The fields of `INFO`, and what they say of settings under the names of those. */
function fieldsOf(info: unknown): [string, string][] {
  const fields = [...String(info ?? '').matchAll(/^([a-z_]+):(.*?)\r?$/gm)].map(([, name = '', value = '']): [string, string] => [
    name,
    value,
  ])
  const known: Record<string, string> = { maxmemory_policy: 'maxmemory-policy', aof_enabled: 'appendonly' }
  return fields.map(([name, value]) => [known[name] ?? name, name === 'aof_enabled' ? (value === '1' ? 'yes' : 'no') : value])
}

function findingsOf(settings: ReadonlyMap<string, string>): Finding[] {
  const [policy, appendonly, save] = ['maxmemory-policy', 'appendonly', 'save'].map((name) => settings.get(name))
  const findings: Finding[] = []
  const warn = (setting: RedisSetting, problem: string): void => void findings.push({ setting, problem, verdict: 'warned' })
  if (policy === undefined && appendonly === undefined)
    warn(
      'INFO',
      'neither CONFIG GET nor INFO may be asked, so nobody knows whether this Redis keeps what is stored: allow +info to its user',
    )
  if (policy !== undefined && policy !== 'noeviction') {
    const problem = `${policy}: Redis drops registrations and logins when its memory is short. CONFIG SET maxmemory-policy noeviction, or a Redis of its own`
    findings.push({ setting: 'maxmemory-policy', problem, verdict: 'refused' })
  }
  if (appendonly === 'no')
    warn(
      'appendonly',
      `no: a restart forgets ${save === '' ? 'everything' : 'everything since the last snapshot'}. CONFIG SET appendonly yes`,
    )
  if (appendonly === 'yes' && settings.get('appendfsync') === 'no')
    warn('appendfsync', 'no: a crash of the machine can lose the last half minute. CONFIG SET appendfsync everysec, or always')
  // Where CONFIG is forbidden, INFO has a field that is there only when this is set.
  const replicas = Number(settings.get('connected_slaves') ?? 0)
  const wanted = settings.get('min-replicas-to-write') ?? (settings.has('min_slaves_good_slaves') ? '1' : '0')
  if (replicas > 0 && wanted === '0')
    warn(
      'min-replicas-to-write',
      '0: a primary that has lost its replicas goes on writing, and a failover loses all of that. CONFIG SET min-replicas-to-write 1',
    )
  return findings
}
