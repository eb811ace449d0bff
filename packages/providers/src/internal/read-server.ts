import { ConfigurationError } from '@drawbridge/core'
import { idOf, serverOf } from './issuer-of.ts'

/** What was read from an option, and what is wrong with it, for the `ConfigurationError` of the provider. */
export interface ReadOption {
  readonly value: string
  readonly problems: readonly string[]
}

/** The URL of a server in an option, as {@link serverOf} has it. Of one that is wrong the right form is answered, so that nobody complains of it twice. */
export function readServer(name: string, value: string | undefined, form: string): ReadOption {
  return collect(() => serverOf(name, value, form), form)
}

/** An id in an option that becomes part of a URL, as {@link idOf} has it. */
export function readId(name: string, value: string | undefined, form: string): ReadOption {
  return collect(() => idOf(name, value, form), form)
}

function collect(read: () => string, form: string): ReadOption {
  try {
    return { value: read(), problems: [] }
  } catch (cause) {
    if (!(cause instanceof ConfigurationError)) throw cause
    return { value: form, problems: cause.problems }
  }
}
