import { describe, expect, it } from 'vitest'
import { fixedEnvironment } from '../testing/fixed-environment.ts'
import { inTime } from './in-time.ts'

/** Work that ends when it is told to. */
function work() {
  let end = (_: string): void => {}
  let fail = (_: Error): void => {}
  const going = new Promise<string>((resolve, reject) => {
    end = resolve
    fail = reject
  })
  return { going, end: (text: string) => end(text), fail: (error: Error) => fail(error) }
}

const late = (): Error => new Error('late')

describe('work that is given a time (I9)', () => {
  it('answers, or fails, as it does', async () => {
    const within = inTime(fixedEnvironment(), 3)
    expect(await within(Promise.resolve('done'), late)).toBe('done')
    await expect(within(Promise.reject(new Error('its own')), late)).rejects.toThrow('its own')
  })

  it('fails when it has not ended by then, and a second later at most; not before', async () => {
    const environment = fixedEnvironment()
    const { going } = work()
    const waiting = inTime(environment, 3)(going, late).catch((cause: Error) => cause.message)
    environment.advance(3)
    expect(await Promise.race([waiting, environment.sleep(0).then(() => 'still waiting')])).toBe('still waiting')
    environment.advance(1)
    expect(await waiting).toBe('late')
  })

  it('is not ended by it, and what becomes of it then is nobody’s concern', async () => {
    const environment = fixedEnvironment()
    const [one, other] = [work(), work()]
    const within = inTime(environment, 3)
    const waiting = [within(one.going, late), within(other.going, late)].map((each) => each.catch((cause: Error) => cause.message))
    environment.advance(4)
    one.end('done')
    other.fail(new Error('an unhandled one would fail the run'))
    expect(await Promise.all(waiting)).toEqual(['late', 'late'])
    expect(await one.going).toBe('done')
  })

  it('shares a timer with all that began in the same second, and with no other', async () => {
    const environment = fixedEnvironment()
    const timers: number[] = []
    const { deadline } = environment
    Object.assign(environment, {
      deadline(length: number) {
        timers.push(length)
        return deadline(length)
      },
    })
    const within = inTime(environment, 3)
    const first = Array.from({ length: 1000 }, () => within(work().going, late).catch((cause: Error) => cause.message))
    expect(timers).toEqual([4])
    environment.advance(1)
    const second = within(work().going, late).catch((cause: Error) => cause.message)
    expect(timers).toEqual([4, 4])
    environment.advance(3)
    expect(new Set(await Promise.all(first))).toEqual(new Set(['late']))
    expect(await Promise.race([second, environment.sleep(0).then(() => 'still waiting')])).toBe('still waiting')
    environment.advance(1)
    expect(await second).toBe('late')
  })
})
