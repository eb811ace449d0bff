/** A value at a moment, in minutes. */
export interface Sample {
  readonly minute: number
  readonly value: number
}

/** By how much the value grows in a minute: the slope of the line through all samples that is nearest to them (least squares). */
export function slopeOf(samples: readonly Sample[]): number {
  const mean = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0) / numbers.length
  const [minute, value] = [mean(samples.map((sample) => sample.minute)), mean(samples.map((sample) => sample.value))]
  const across = samples.map((sample) => (sample.minute - minute) * (sample.value - value))
  const along = samples.map((sample) => (sample.minute - minute) ** 2)
  return mean(across) / mean(along)
}
