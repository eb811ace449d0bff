import { describe, expect, it } from 'vitest'
import { type Exploration, explore } from '../explore/explore.ts'
import { openWorld } from '../explore/hosts.ts'
import { sessionRules } from '../explore/session.ts'
import { type SessionScenario, sessionSetting } from '../explore/session-setting.ts'
import { type CallbackScenario, callbackRules, callbackSetting } from '../explore/transaction.ts'
import { figure } from './figure.ts'

// The explorations of test/explore, deeper: one more fault, or one more actor.

const strict = { upstream: 'ends the family' } as const
const sessions: readonly SessionScenario[] = [
  { ...strict, actors: ['client', 'client'], begins: 'when they are due twice', generations: 2, faults: 2 },
  { ...strict, actors: ['client', 'client', 'revoker'], begins: 'when they are due', generations: 1, faults: 1 },
  { upstream: 'says no', actors: ['client', 'gate'], begins: 'when they are due', generations: 1, faults: 2 },
]
const callbacks: readonly CallbackScenario[] = [
  { deliveries: 2, faults: 3, upstream: 'strict' },
  { deliveries: 3, faults: 1, upstream: 'strict', ahead: [5, -5, 0] },
]

describe('every interleaving, one fault or one actor more than npm test has time for (I2, I3, REL-R13)', () => {
  it('breaks nothing', () => {
    const found: Exploration[] = [
      ...sessions.map((scenario) => explore(openWorld(sessionSetting(scenario, sessionRules)))),
      ...callbacks.map((scenario) => explore(openWorld(callbackSetting(scenario, callbackRules)))),
    ]
    expect(found.map(({ broken, way }) => ({ broken, way }))).toEqual(found.map(() => ({ broken: undefined, way: undefined })))
    figure(
      'states explored, of logins and sessions on several hosts',
      found.reduce((sum, { states }) => sum + states, 0),
    )
    figure('states in which something is broken', found.filter(({ broken }) => broken !== undefined).length)
  })
})
