import { expect, it } from 'vitest'
import { slotOf } from './redis-slot.ts'

it.each([
  // The check value of CRC16 XMODEM, 0x31c3.
  ['123456789', 12_739],
  ['foo', 12_182],
  ['{user1000}.following', 3443],
  ['{user1000}.followers', 3443],
  ['foo{}{bar}', 8363],
  ['foo{{bar}}zap', 4015],
  ['foo{bar}{zap}', 5061],
  ['ümläut', 8204],
])('puts %s into the slot that Redis puts it into', (key, slot) => {
  expect(slotOf(key)).toBe(slot)
})
