import type { Store, Telemetry } from '@drawbridge/core'
import { openTelemetry } from '@drawbridge/core/opentelemetry'
import { memoryStore } from '@drawbridge/storage'
import { type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { describe, expect, it } from 'vitest'
import { failingStore } from '../support/failing-store.ts'
import { type House, openHouse } from '../support/house.ts'
import { expectUnavailable } from '../support/read-json.ts'

// What watches breaks, and what is watched goes on.

const broken = (): never => {
  throw new Error('the exporter is away')
}
const nothing = (): void => {}
const watches: Telemetry = { during: (_, work) => work(), onEvent: nothing }

const openTelemetryOver = (processor: Partial<SpanProcessor>): Telemetry => {
  const whole = { onStart: nothing, onEnd: nothing, forceFlush: async () => {}, shutdown: async () => {}, ...processor }
  return openTelemetry({ tracerProvider: new TracerProvider({ spanProcessors: [whole] }) })({ issuer: 'http://localhost:8000' })
}

const telemetries: readonly [string, Telemetry][] = [
  ['that is told of an event', { ...watches, onEvent: broken }],
  ['before the work', { ...watches, during: broken }],
  ['after the work', { ...watches, during: (_, work) => work().then(broken) }],
  ['when a span starts', openTelemetryOver({ onStart: broken })],
  ['when a span ends', openTelemetryOver({ onEnd: broken })],
]

const open = (telemetry: Telemetry, clientStorage: Store = memoryStore()): House =>
  openHouse({ clientStorage, observability: { telemetry: () => telemetry } })

describe('telemetry that throws', () => {
  it.each(telemetries)('%s costs no login, no call and no refresh, and nothing is done twice (REL-R32)', async (_, telemetry) => {
    const house = open(telemetry)
    const { clientId, tokens } = await house.login()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(200)
    expect([house.github.calls('token'), house.events.filter(({ type }) => type === 'grant.opened').length]).toEqual([1, 1])
  })

  it.each(telemetries)('%s makes no other trouble out of trouble (I6)', async (_, telemetry) => {
    const store = failingStore(memoryStore())
    const house = open(telemetry, store)
    const { clientId, tokens } = await house.login()
    store.failAlways()
    await expectUnavailable(await house.refresh(clientId, tokens.refresh_token))
    expect(await house.mcpStatus(tokens.access_token)).toBe(503)
  })
})

describe('telemetry', () => {
  it('watches a store that is frozen', async () => {
    const house = open(watches, Object.freeze(memoryStore()))
    const { tokens } = await house.login()
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
  })
})
