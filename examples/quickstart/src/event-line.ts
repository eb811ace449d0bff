import type { RecordedEvent } from '@drawbridge/core'

/** An event as one line: its time, its name, and its facts. Events hold no secrets; what a client chose is quoted. */
export function eventLine({ at, type, ...facts }: RecordedEvent): string {
  const told = Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${JSON.stringify(value)}`]))
  return [new Date(at * 1000).toISOString(), type, ...told].join(' ')
}
