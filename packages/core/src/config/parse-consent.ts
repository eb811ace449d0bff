import type { ConsentMode } from '../consent/ask-consent.ts'
import type { OAuthProxyOptions } from './options.ts'

/** When people are asked, and which redirect URIs a yes is remembered for. */
export interface ConsentPolicy {
  readonly consentMode: ConsentMode
  readonly remembers: (redirectUri: string) => boolean
}

const modes: readonly ConsentMode[] = ['always', 'remembered', 'external']

/** Parses the options of the consent page; what is wrong with them goes into `problems`. */
export function parseConsent({ consent = {} }: OAuthProxyOptions, problems: string[]): ConsentPolicy {
  const { mode = 'always', rememberNative = false } = consent
  if (!modes.includes(mode)) problems.push("consent.mode is neither 'always', 'remembered' nor 'external'")
  if (typeof rememberNative !== 'boolean') problems.push('consent.rememberNative is neither true nor false')
  // Whoever else runs on that computer can receive there as well, so a yes to one program is not a yes to the next (OAuth 2.1 §7.3.1).
  return { consentMode: mode, remembers: (redirectUri) => mode === 'remembered' && (rememberNative || redirectUri.startsWith('https:')) }
}
