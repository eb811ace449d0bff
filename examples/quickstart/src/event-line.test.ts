import { expect, it } from 'vitest'
import { eventLine } from './event-line.ts'

it('tells an event in one line, whatever a client calls itself', () => {
  expect(
    eventLine({ at: 1_767_268_800, type: 'client.registered', clientId: 'c1', clientName: 'a\n"b"', access: 'open', kept: 'stored' }),
  ).toBe('2026-01-01T12:00:00.000Z client.registered clientId="c1" clientName="a\\n\\"b\\"" access="open" kept="stored"')
  expect(
    eventLine({ at: 1_767_268_800, type: 'client.registered', clientId: 'c1', clientName: undefined, access: 'open', kept: 'stored' }),
  ).toBe('2026-01-01T12:00:00.000Z client.registered clientId="c1" access="open" kept="stored"')
})
