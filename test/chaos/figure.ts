import { appendFileSync } from 'node:fs'
import { basename } from 'node:path'
import { expect } from 'vitest'

/** Notes a figure that was measured, for the table that `npm run chaos` prints. `what` is a sentence without its full stop. */
export function figure(what: string, is: number | string): void {
  const file = process.env.DRAWBRIDGE_FIGURES
  const [from = ''] = basename(expect.getState().testPath ?? '').split('.')
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ from, what, is: String(is) })}\n`)
}
