import type { Start } from './banner.ts'
import { parseSettings, type Settings, type Variables, variableNames } from './config.ts'
import { addDotenv, readDotenv } from './dotenv.ts'
import { makeKeys } from './keys.ts'

/**
 * The settings of a start: what is set, then `.env`, then keys made now where they may be. Throws `ConfigurationError` with
 * every problem, and makes nothing then.
 */
export async function readSettings(path: string, set: Variables): Promise<{ settings: Settings; dotenv: Start['dotenv'] }> {
  const { variables, fromFile } = addDotenv(set, await readDotenv(path))
  const settings = parseSettings(variables)
  const taken = variableNames.filter((name) => fromFile.includes(name))
  if (settings.missingKeys.length === 0) return { settings, dotenv: { path, taken, made: [] } }
  const withKeys = addDotenv(variables, await makeKeys(path, settings.missingKeys))
  return { settings: parseSettings(withKeys.variables), dotenv: { path, taken, made: settings.missingKeys } }
}
