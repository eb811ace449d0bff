import fc from 'fast-check'
import { expect, it } from 'vitest'
import { anySteps, beginSession, endSession } from '../model/session-model.ts'
import { openWorlds } from '../model/world.ts'
import { figure } from './figure.ts'

/** How long each store is tried: the two of them a minute. */
const lastsMs = 28_000

it.each([
  ['redisStore', false],
  ['encrypted(redisStore)', true],
])('any sequence of steps of a session on two hosts and %s, for half a minute (I2, I3, I6)', async (name, sealed) => {
  const worlds = await openWorlds({ sealed })
  let steps = 0
  const property = fc.asyncProperty(anySteps(20), async (commands) => {
    const world = await worlds.open()
    const session = await beginSession(world)
    await fc.asyncModelRun(() => ({ model: session, real: world }), commands)
    await endSession(session, world)
    steps += [...commands].length
  })
  const found = await fc.check(property, { numRuns: 100_000, interruptAfterTimeLimit: lastsMs, markInterruptAsFailure: false })
  await worlds.close()
  // Its seed and path are in the report; its steps, as a literal, belong beside those of test/model/model.test.ts.
  expect(found.failed ? await fc.asyncDefaultReportMessage(found) : 'nothing').toBe('nothing')
  figure(`sequences of steps of a session on ${name}, with accidents of connections`, found.numRuns)
  figure('steps in them', steps)
})
