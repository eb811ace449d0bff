import { type Environment, systemEnvironment } from '@drawbridge/core'

/** The real environment, with deadlines twenty times as long: for tests of what a store decides, on a machine that has other things to do. */
export function patientEnvironment(): Environment {
  return { ...systemEnvironment(), deadline: (length) => AbortSignal.timeout(length * 20_000) }
}
