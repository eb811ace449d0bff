import { type Entry, StoreUnavailable } from '@drawbridge/core'
import { describe, expect, it } from 'vitest'
import { NothingExecuted, settleWrite } from './read-back.ts'

const seen: Entry = { value: 'seen', version: 'seen' }

function uncertain({ found, secondWrite = true }: { found: Entry | undefined | 'down'; secondWrite?: boolean }) {
  let writes = 0
  return {
    writes: () => writes,
    write: {
      version: 'mine',
      seen,
      async write() {
        writes += 1
        if (writes === 1) throw new StoreUnavailable('no answer')
        return secondWrite
      },
      async read() {
        if (found === 'down') throw new StoreUnavailable('still no answer')
        return found
      },
    },
  }
}

describe('a write whose outcome is unknown', () => {
  it('won when its own version is there', async () => {
    const { write, writes } = uncertain({ found: { value: 'mine', version: 'mine' } })
    expect(await settleWrite(write)).toBe(true)
    expect(writes()).toBe(1)
  })

  it('goes out again when what it had seen is still there', async () => {
    const { write, writes } = uncertain({ found: seen })
    expect(await settleWrite(write)).toBe(true)
    expect(writes()).toBe(2)
  })

  it('lost when anything else is there', async () => {
    const { write } = uncertain({ found: { value: 'theirs', version: 'theirs' } })
    expect(await settleWrite(write)).toBe(false)
  })

  it('lost when what it had seen is gone', async () => {
    const { write, writes } = uncertain({ found: undefined })
    expect(await settleWrite(write)).toBe(false)
    expect(writes()).toBe(1)
  })

  it('goes out again when it creates and nothing is there', async () => {
    const { write, writes } = uncertain({ found: undefined })
    expect(await settleWrite({ ...write, seen: undefined })).toBe(true)
    expect(writes()).toBe(2)
  })

  it('lost when it deletes and nothing is there: another may have been faster', async () => {
    const { write, writes } = uncertain({ found: undefined })
    expect(await settleWrite({ ...write, version: undefined })).toBe(false)
    expect(writes()).toBe(1)
  })

  it('lost when it goes out again and loses', async () => {
    const { write } = uncertain({ found: seen, secondWrite: false })
    expect(await settleWrite(write)).toBe(false)
  })

  it('is none where it is certain that nothing was executed: it fails, and is neither read back nor sent again', async () => {
    const { write } = uncertain({ found: seen })
    const error = new NothingExecuted('refused')
    await expect(settleWrite({ ...write, write: () => Promise.reject(error) })).rejects.toBe(error)
  })

  it('won when it goes out again and loses to itself: the first one was late', async () => {
    const { write } = uncertain({ found: seen, secondWrite: false })
    const reads = [seen, { value: 'mine', version: 'mine' }]
    expect(await settleWrite({ ...write, read: async () => reads.shift() })).toBe(true)
  })

  it('is not read back when it failed by a mistake of ours', async () => {
    const { write } = uncertain({ found: 'down' })
    const mistake = new TypeError('a mistake')
    await expect(settleWrite({ ...write, write: () => Promise.reject(mistake) })).rejects.toBe(mistake)
  })

  it('stays unknown when the store does not answer that either', async () => {
    const { write } = uncertain({ found: 'down' })
    await expect(settleWrite(write)).rejects.toThrow(StoreUnavailable)
  })
})
