import { ConfigurationError } from '@drawbridge/core'
import { parseSigningKeys, parseStorageKeys, refuseSharedKeys, type SigningKeySetting } from './key-settings.ts'
import { parseStorageUrl, type StorageSetting } from './storage-url.ts'
import { isLoopback, parseUrl } from './url-setting.ts'

/** Variables, as `process.env` has them. */
export type Variables = Readonly<Record<string, string | undefined>>

/** The variables the quickstart reads, and no others. */
export const variableNames = [
  'PORT',
  'HOST',
  'BASE_URL',
  'ISSUER_URL',
  'MCP_PATH',
  'GITHUB_CLIENT_ID',
  'GITHUB_CLIENT_SECRET',
  'GITHUB_SERVER_URL',
  'JWT_SIGNING_KEY',
  'STORAGE_ENCRYPTION_KEY',
  'STORAGE_URL',
  'HOSTS',
  'RATE_LIMITS',
] as const
export type VariableName = (typeof variableNames)[number]

/** The variables that hold our own keys. */
export const keyNames = ['JWT_SIGNING_KEY', 'STORAGE_ENCRYPTION_KEY'] as const
export type KeyName = (typeof keyNames)[number]

/** Our registration at GitHub, and where that GitHub is. */
export interface GitHubSetting {
  readonly clientId: string
  readonly clientSecret: string
  /** A GitHub Enterprise Server, or the stand-in; absent for github.com. */
  readonly serverUrl?: string
}

/** The environment, parsed once. */
export interface Settings {
  readonly port: number
  readonly host: string
  readonly baseUrl: string
  readonly issuerUrl: string
  readonly mcpPath: string
  /** Absent when no app is registered: the stand-in takes GitHub's place. */
  readonly github?: GitHubSetting
  /** The first signs, all verify. Empty while it is one of {@link Settings.missingKeys}. */
  readonly jwtSigningKeys: readonly SigningKeySetting[]
  /** The first seals, all open. Empty while it is one of {@link Settings.missingKeys}. */
  readonly storageEncryptionKeys: readonly string[]
  readonly storage: StorageSetting
  readonly hosts: 'one' | 'many'
  /** Whether requests are limited by the address they come from. */
  readonly rateLimits: boolean
  /** The keys to be made: only where they may be, see {@link parseSettings}. */
  readonly missingKeys: readonly KeyName[]
}

/**
 * Parses the environment. An empty value counts as unset. Keys may be missing only where they can be made: on a loopback
 * `BASE_URL`, for one host, with a store that this machine keeps.
 *
 * Throws one `ConfigurationError` that lists every problem; no problem repeats a secret.
 */
export function parseSettings(env: Variables): Settings {
  const problems: string[] = []
  const read = (name: VariableName) => env[name] || undefined
  const port = parsePort(read('PORT'), problems)
  const baseUrl = parseUrl('BASE_URL', read('BASE_URL') ?? localUrl(port), problems)
  const hosts = parseChoice('HOSTS', read('HOSTS') ?? 'one', ['one', 'many'], problems)
  const storage = parseStorageUrl(read('STORAGE_URL') ?? 'sqlite:.data/drawbridge.db', problems)
  const github = parseGitHub(read, baseUrl, problems)
  const jwtSigningKeys = parseSigningKeys(read('JWT_SIGNING_KEY'), problems)
  const storageEncryptionKeys = parseStorageKeys(read('STORAGE_ENCRYPTION_KEY'), problems)
  const missingKeys = keyNames.filter((name) => read(name) === undefined)
  const settings: Settings = {
    port,
    host: read('HOST') ?? '127.0.0.1',
    baseUrl,
    issuerUrl: parseUrl('ISSUER_URL', read('ISSUER_URL') ?? baseUrl, read('ISSUER_URL') ? problems : []),
    mcpPath: parsePath(read('MCP_PATH') ?? '/mcp', problems),
    ...(github && { github }),
    jwtSigningKeys,
    storageEncryptionKeys,
    storage: storage ?? { kind: 'memory' },
    hosts,
    rateLimits: parseChoice('RATE_LIMITS', read('RATE_LIMITS') ?? 'on', ['on', 'off'], problems) === 'on',
    missingKeys,
  }
  const isOfThisMachine = storage !== undefined && !('url' in storage)
  if (hosts === 'many' && isOfThisMachine)
    problems.push(
      'HOSTS=many needs a store that every host shares, and STORAGE_URL names one of this machine: redis://<host>:<port> or postgres://<host>:<port>/<database>',
    )
  if (missingKeys.length > 0 && !(isLoopback(baseUrl) && hosts === 'one' && isOfThisMachine)) problems.push(refuseMissing(missingKeys))
  problems.push(...refuseSharedKeys(jwtSigningKeys, storageEncryptionKeys))
  if (problems.length > 0) throw new ConfigurationError(problems)
  return Object.freeze(settings)
}

function parsePort(text: string | undefined, problems: string[]): number {
  const usual = 8000
  if (text === undefined) return usual
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535) return Number(text)
  problems.push(`PORT ${JSON.stringify(text)} is not a port: a whole number from 1 to 65535`)
  return usual
}

// A URL does not repeat its scheme's own port.
function localUrl(port: number): string {
  return port === 80 ? 'http://localhost' : `http://localhost:${port}`
}

function parsePath(text: string, problems: string[]): string {
  if (!/^\/[^?#\s]*$/.test(text)) problems.push(`MCP_PATH ${JSON.stringify(text)} is not a path such as /mcp`)
  return text
}

function parseChoice<Choice extends string>(name: string, text: string, choices: readonly [Choice, Choice], problems: string[]): Choice {
  const chosen = choices.find((choice) => choice === text)
  if (chosen === undefined) problems.push(`${name} ${JSON.stringify(text)} is neither ${choices[0]} nor ${choices[1]}`)
  return chosen ?? choices[0]
}

type Read = (name: VariableName) => string | undefined

function parseGitHub(read: Read, baseUrl: string, problems: string[]): GitHubSetting | undefined {
  const [clientId, clientSecret, server] = [read('GITHUB_CLIENT_ID'), read('GITHUB_CLIENT_SECRET'), read('GITHUB_SERVER_URL')]
  const serverUrl = server === undefined ? undefined : parseUrl('GITHUB_SERVER_URL', server, problems)
  if (clientId && !clientSecret)
    problems.push('GITHUB_CLIENT_SECRET is missing: GITHUB_CLIENT_ID is set, and one is of no use without the other')
  if (clientSecret && !clientId)
    problems.push('GITHUB_CLIENT_ID is missing: GITHUB_CLIENT_SECRET is set, and one is of no use without the other')
  if (clientId && clientSecret) {
    const elsewhere = serverUrl !== undefined && !/^https:\/\/(www\.)?github\.com$/.test(serverUrl)
    return { clientId, clientSecret, ...(elsewhere && { serverUrl }) }
  }
  if (server && !clientId && !clientSecret) problems.push('GITHUB_SERVER_URL is set without GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET')
  // The stand-in lets anybody in as anybody, which is nothing to put on a network.
  if (!clientId && !clientSecret && !isLoopback(baseUrl)) {
    problems.push(
      'GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET are missing: without them a stand-in signs people in, on a loopback BASE_URL only',
    )
  }
  return undefined
}

function refuseMissing(names: readonly KeyName[]): string {
  return `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} missing: "npm run keygen" prints both (they are made at the first start only on a loopback BASE_URL, with HOSTS=one and a store of this machine)`
}
