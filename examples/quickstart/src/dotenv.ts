import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import type { Variables } from './config.ts'

/** The variables of a `.env` text: `KEY=value`, quoted where it has spaces or `#`, with comments. The last of two holds. */
export function parseDotenv(text: string): Variables {
  return parseEnv(text.replace(/^\ufeff/, ''))
}

/** The variables of a `.env` file; none when there is no such file. */
export async function readDotenv(path: string): Promise<Variables> {
  try {
    return parseDotenv(await readFile(path, 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw error
  }
}

/** Variables, and the names of those that came from the file. */
export interface Merged {
  readonly variables: Variables
  readonly fromFile: readonly string[]
}

/** Adds the variables of the file to those that are set, and never overrides one; an empty value counts as unset. */
export function addDotenv(set: Variables, file: Variables): Merged {
  const added = Object.entries(file).filter(([name, value]) => value && !set[name])
  return { variables: { ...set, ...Object.fromEntries(added) }, fromFile: added.map(([name]) => name) }
}
