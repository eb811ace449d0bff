import { appendFileSync } from 'node:fs'

/** Notes a figure that was measured, for the table that `npm run chaos` prints. `what` is a sentence without its full stop. */
export function figure(what: string, is: number | string): void {
  const file = process.env.DRAWBRIDGE_FIGURES
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ what, is: String(is) })}\n`)
}
