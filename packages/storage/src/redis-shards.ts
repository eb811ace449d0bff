/** Slots that are together on one primary. */
export interface Shard {
  readonly from: number
  readonly to: number
  /** Of the primary, `host:port`, as the Cluster calls it. */
  readonly address: string
}

/** The shards in an answer to `CLUSTER SLOTS`, as the client gives it. What has another form is left out. */
export function parseShards(answer: unknown): readonly Shard[] {
  if (!Array.isArray(answer)) return []
  return answer.flatMap((shard: unknown): Shard[] => {
    const [from, to, host, port] = [read(shard, 'from'), read(shard, 'to'), read(shard, 'master', 'host'), read(shard, 'master', 'port')]
    if (typeof from !== 'number' || typeof to !== 'number' || typeof host !== 'string' || typeof port !== 'number') return []
    return [{ from, to, address: `${host}:${port}` }]
  })
}

function read(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((at, name) => (typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined), value)
}
