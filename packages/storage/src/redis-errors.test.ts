import { describe, expect, it } from 'vitest'
import { isDemoted, isNotExecuted } from './redis-errors.ts'

describe('what a replica says to a write (REL-R31)', () => {
  it.each([
    "READONLY You can't write against a read only replica.",
    "ERR Error running script (call to f_0123): @user_script:2: @user_script: 2: -READONLY You can't write against a read only replica.",
  ])('is known for it, by any version: %s', (message) => {
    expect([isDemoted(new Error(message)), isNotExecuted(new Error(message))]).toEqual([true, true])
  })

  it.each(['ERR Error running script: READONLYNESS', 'NOSCRIPT No matching script.'])('is not: %s', (message) => {
    expect(isDemoted(new Error(message))).toBe(false)
  })
})
