import { it } from 'vitest'

// Passes, and leaves behind what nobody handles: `unhandled.test.ts` shows that such a run fails.
it('leaves a rejection behind', () => {
  void Promise.reject(new Error('planted'))
})
