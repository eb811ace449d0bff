import { StoreUnavailable } from '@drawbridge/core'
import { fixedEnvironment } from '@drawbridge/core/testing'
import { describe, expect, it } from 'vitest'
import { inTime } from './deadline.ts'

describe('the deadline of a call', () => {
  it('is 500 ms', async () => {
    const lengths: number[] = []
    const { deadline, ...rest } = fixedEnvironment()
    const noting = (length: number) => {
      lengths.push(length)
      return deadline(length)
    }
    await inTime({ ...rest, deadline: noting }, async () => {})
    expect(lengths).toEqual([0.5])
  })

  it('changes neither the answer nor the error of work that ends in time', async () => {
    const mistake = new TypeError('a mistake')
    expect(await inTime(fixedEnvironment(), async () => 'answer')).toBe('answer')
    await expect(inTime(fixedEnvironment(), () => Promise.reject(mistake))).rejects.toBe(mistake)
  })

  it('makes the store unavailable when nothing has answered by then', async () => {
    const environment = fixedEnvironment()
    const call = inTime(environment, () => new Promise(() => {}))
    environment.advance(1)
    await expect(call).rejects.toThrow(StoreUnavailable)
    await expect(call).rejects.toMatchObject({ cause: { name: 'TimeoutError' } })
  })

  it('takes an answer that arrived while the process was busy', async () => {
    const environment = fixedEnvironment()
    const call = inTime(environment, () => new Promise((resolve) => setImmediate(() => resolve('answer'))))
    environment.advance(1)
    expect(await call).toBe('answer')
  })

  it('makes the store unavailable when the work itself stops because of it', async () => {
    const environment = fixedEnvironment()
    const call = inTime(environment, async (signal) => {
      await Promise.resolve()
      signal.throwIfAborted()
    })
    environment.advance(1)
    await expect(call).rejects.toThrow(StoreUnavailable)
  })
})
