import { Writable } from 'node:stream'
import { inspect } from 'node:util'
import type { RecordedEvent } from '@drawbridge/core'
import { type AuditLine, type AuditLog, type AuditLogOptions, auditLog } from '@drawbridge/core/audit'
import { describe, expect, it } from 'vitest'
import { type House, openHouse } from '../support/house.ts'

const issuer = 'http://localhost:8000'
const key = 'an-audit-key-that-is-made-for-tests-0123'
const at = 1_767_268_800

/** A log that keeps its lines. */
function open(options: Partial<AuditLogOptions> = {}): { audit: AuditLog; lines: string[]; tell(event: object): Promise<AuditLine> } {
  const lines: string[] = []
  const audit = auditLog({ issuer, key, to: (line) => lines.push(line), ...options })
  return {
    audit,
    lines,
    async tell(event) {
      audit.onEvent(event as RecordedEvent)
      await audit.flush()
      return JSON.parse(lines.at(-1) ?? '{}')
    },
  }
}

async function audited(): Promise<{ house: House; lines: AuditLine[]; text: string; clientId: string }> {
  const { audit, lines } = open()
  const house = openHouse({ onEvent: audit.onEvent })
  const { clientId, tokens } = await house.login({ client_name: 'A test' })
  await house.refresh(clientId, tokens.refresh_token)
  await house.redeem('nobody', 'x')
  await house.auth.revoke({ clientId })
  await audit.flush()
  return { house, lines: lines.map((line) => JSON.parse(line)), text: lines.join('\n'), clientId }
}

describe('a line of the audit log (REL-R40)', () => {
  it('has a schema, a time, an issuer, a request and hashes, in this order', async () => {
    const { audit, lines } = open()
    audit.onEvent({
      type: 'grant.opened',
      clientId: 'a-client',
      grantId: 'a-grant',
      subject: '583231',
      at,
      requestId: 'f00dfeedf00dfeedf00d',
    })
    await audit.flush()
    expect(lines).toEqual([
      '{"schema":"drawbridge.audit.v1","time":"2026-01-01T12:00:00.000Z","issuer":"http://localhost:8000","event":"grant.opened","category":"audit","request_id":"f00dfeedf00dfeedf00d","client_id":"a-client","grant":"SMIfvXasg1EsC0OFLXcQ9S","subject":"1Z_Q5CFZwwRr7TtO864N_C"}',
    ])
  })

  it('of a whole session says who, what and because of which request, and joins what belongs together', async () => {
    const { lines, clientId } = await audited()
    expect(lines.map(({ event, category, client_id, details }) => [event, category, client_id === clientId, details])).toEqual([
      ['client.registered', 'audit', true, { clientName: 'A test', access: 'open', kept: 'stored' }],
      ['consent.approved', 'audit', true, undefined],
      ['grant.opened', 'audit', true, undefined],
      ['token.issued', 'audit', true, { generation: 0 }],
      ['token.issued', 'audit', true, { generation: 1 }],
      ['request.refused', 'audit', false, { endpoint: 'token', error: 'invalid_client', reason: 'client_unknown' }],
      ['grant.ended', 'audit', true, { reason: 'revoked_by_operator' }],
    ])
    expect(new Set(lines.flatMap(({ grant }) => grant ?? [])).size).toBe(1)
    expect(lines.filter(({ request_id }) => request_id === undefined).map(({ event }) => event)).toEqual(['grant.ended'])
  })

  it('has no id of a grant and no subject, but their hashes, which another key makes otherwise', async () => {
    const { text, house } = await audited()
    const [opened] = house.told.filter(({ type }) => type === 'grant.opened')
    expect(opened).toBeUndefined() // the listener of the house is the log here
    expect(text).not.toMatch(/"583231"|019b796d-d600-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}","subject"/)
    const event = { type: 'grant.opened', clientId: 'c', grantId: 'g', subject: 's', at }
    const [one, other] = [await open().tell(event), await open({ key: `${key}-another` }).tell(event)]
    expect(one.grant).toMatch(/^[\w-]{22}$/)
    expect([one.grant === other.grant, one.subject === other.subject, one.grant === one.subject]).toEqual([false, false, false])
    expect((await open().tell({ ...event, subject: 'g' })).subject).not.toBe(one.grant)
  })

  it('takes an event that nobody has heard of', async () => {
    expect(await open().tell({ type: 'moat.filled', depth: 7, with: ['water'], by: { name: 'x' }, clientId: 'c', at })).toEqual({
      schema: 'drawbridge.audit.v1',
      time: '2026-01-01T12:00:00.000Z',
      issuer,
      event: 'moat.filled',
      category: 'audit',
      client_id: 'c',
      details: { depth: 7, with: ['water'], by: '[left out]' },
    })
  })

  it.each([
    'store.unavailable',
    'store.lost',
    'upstream.failed',
    'upstream.refreshed',
    'issuer.failed',
    'record.outdated',
    'request.failed',
  ])('of %s is operational', async (type) => {
    expect((await open().tell({ type, at })).category).toBe('operational')
  })
})

describe('what a stranger chose (T99)', () => {
  it('is one line, whatever it is, and does nothing to a terminal', async () => {
    const { lines, tell } = open()
    const clientName = 'a\nb\r\u001b[31m\u0085\u2028\u202etxt\u200b\u007f","event":"forged'
    expect((await tell({ type: 'client.registered', clientId: 'c', clientName, at })).details?.clientName).toBe(clientName)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^[\u0020-\u007e]+$/)
    expect(lines[0]?.match(/"event":/g)).toHaveLength(1)
  })

  it('is cut at 256 characters, and a list at 50; a longer id of a client is its hash, so that it still joins', async () => {
    const long = 'x'.repeat(10_000)
    const line = await open().tell({ type: 'client.registered', clientId: long, clientName: long, list: Array(100).fill(long), at })
    expect(line.details?.clientName).toBe('x'.repeat(256))
    expect(line.details?.list).toEqual(Array(50).fill('x'.repeat(256)))
    expect(line.client_id).toMatch(/^[\w-]{22}$/)
  })

  it.each([
    ['a JWT', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl', '[token]'],
    ['a code of ours', 'x db_ac_019b796d-d600-7f16-9f9b-4e6a10247522.abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG', 'x [token]'],
    ['a token of an upstream', 'gho_0123456789abcdefghij', '[token]'],
    ['a header', 'Bearer abcdefghijklmnop', 'Bearer [token]'],
    ['an e-mail address', 'Mail octocat@example.com now', 'Mail [e-mail] now'],
  ])('is masked where it looks like %s (T98)', async (_, clientName, masked) => {
    expect((await open().tell({ type: 'client.registered', clientId: 'c', clientName, at })).details?.clientName).toBe(masked)
  })
})

describe('a sink', () => {
  const event: RecordedEvent = { type: 'client.removed', clientId: 'c', at }
  const eventsOf = (lines: readonly string[]) => lines.map((line) => [JSON.parse(line).event, JSON.parse(line).details?.count])

  it('can be a stream', async () => {
    let text = ''
    const to = new Writable({
      write(chunk, _, done) {
        text += chunk
        setImmediate(done)
      },
    })
    const { audit } = open({ to })
    audit.onEvent(event)
    audit.onEvent(event)
    for (let n = 0; n < 100; n += 1) await Promise.resolve()
    expect(text).toBe('')
    await audit.flush()
    expect(text.split('\n').map((line) => line && JSON.parse(line).event)).toEqual(['client.removed', 'client.removed', ''])
  })

  it('that is slow keeps nobody waiting; what does not fit is dropped, counted, and told as soon as it can be', async () => {
    const lines: string[] = []
    const gates: (() => void)[] = []
    const { audit } = open({ queue: 3, to: (line) => new Promise<void>((resolve) => gates.push(() => resolve(void lines.push(line)))) })
    audit.onEvent(event)
    await new Promise(setImmediate)
    for (let n = 0; n < 5; n += 1) audit.onEvent(event)
    expect(audit.dropped).toBe(2)
    for (let n = 0; n < 10; n += 1) {
      gates.shift()?.()
      await new Promise(setImmediate)
    }
    await audit.flush()
    expect(eventsOf(lines)).toEqual([
      ['client.removed', undefined],
      ['audit.dropped', 2],
      ['client.removed', undefined],
      ['client.removed', undefined],
      ['client.removed', undefined],
    ])
    audit.onEvent(event)
    await new Promise(setImmediate)
    gates.shift()?.()
    await audit.flush()
    expect([lines.length, audit.dropped]).toEqual([6, 2])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('full')
      },
    ],
    ['rejects', () => Promise.reject(new Error('full'))],
  ])('that %s breaks no request, and the loss is counted and told when it works again (REL-R32)', async (_, fail) => {
    const lines: string[] = []
    let isBroken = true
    const { audit } = open({ to: (line) => (isBroken ? fail() : lines.push(line)) })
    const house = openHouse({ onEvent: audit.onEvent })
    expect((await house.redeem('nobody', 'x')).status).toBe(401)
    await audit.flush()
    expect(audit.dropped).toBe(1)
    isBroken = false
    audit.onEvent(event)
    await audit.flush()
    expect(eventsOf(lines)).toEqual([
      ['audit.dropped', 1],
      ['client.removed', undefined],
    ])
  })

  it('that is a stream and breaks does not end the process (REL-R32)', async () => {
    const to = new Writable({ write: (_, __, done) => done(new Error('disk full')) })
    const { audit } = open({ to })
    for (let n = 0; n < 3; n += 1) audit.onEvent(event)
    await audit.flush()
    expect([audit.dropped, to.destroyed]).toEqual([3, true])
  })
})

describe('an audit log that cannot be one does not start', () => {
  it.each<[string, Partial<AuditLogOptions>, string]>([
    ['without an issuer', { issuer: '' }, 'issuer is missing'],
    ['with a short key', { key: 'short' }, 'key is shorter than 32 characters: openssl rand -base64 32'],
    ['with a queue of nothing', { queue: 0 }, 'queue is not a whole number above 0'],
  ])('%s', (_, options, problem) => {
    expect(() => open(options)).toThrow(problem)
  })

  it('and shows its key to nobody who prints it (T98)', () => {
    expect(inspect(open().audit, { depth: 10, showHidden: true })).not.toContain(key)
  })
})
