import { createHash } from 'node:crypto'
import { type Context, Hono } from 'hono'
import { basicCredentials } from './basic-credentials.ts'
import type { IssuedTokens, Records } from './records.ts'

/** The registered app and what it can redeem. */
export interface AccessTokenNeeds {
  readonly clientId: string
  readonly clientSecret: string
  readonly records: Pick<Records, 'findCode' | 'spendCode' | 'issueTokens' | 'refreshTokens'>
}

type Fields = Readonly<Record<string, string | number>>

/** GitHub's errors of a token request, word for word; all of them arrive with status 200. */
const errors = {
  incorrect_client_credentials: 'The client_id and/or client_secret passed are incorrect.',
  redirect_uri_mismatch: 'The redirect_uri MUST match the registered callback URL for this application.',
  bad_verification_code: 'The code passed is incorrect or expired.',
  bad_refresh_token: 'The refresh token passed is incorrect or expired.',
  unsupported_grant_type: 'The grant_type is not supported.',
} as const

/** The answer to a token request that is refused. */
export function tokenError(error: keyof typeof errors): Fields {
  const anchor = error.replaceAll('_', '-')
  return {
    error,
    error_description: errors[error],
    error_uri: `https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/#${anchor}`,
  }
}

/**
 * `POST /login/oauth/access_token`: JSON when `Accept` asks for it, form-encoded otherwise, and status 200 either way
 * (https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps).
 */
export function accessTokenRoutes(needs: AccessTokenNeeds): Hono {
  return new Hono().post('/login/oauth/access_token', async (c) => {
    const form = new URLSearchParams(await c.req.text())
    return tokenAnswer(c, redeem(needs, form, c.req.header('authorization')))
  })
}

/** Sends `fields` in the encoding that the request accepts. */
function tokenAnswer(c: Context, fields: Fields): Response {
  c.header('cache-control', 'no-store')
  if (c.req.header('accept')?.includes('application/json')) return c.json(fields)
  const pairs = Object.entries(fields).map(([name, value]) => [name, String(value)])
  return c.body(new URLSearchParams(pairs).toString(), 200, { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' })
}

function redeem({ clientId, clientSecret, records }: AccessTokenNeeds, form: URLSearchParams, authorization: string | undefined): Fields {
  const basic = basicCredentials(authorization)
  const id = basic?.id ?? form.get('client_id')
  const secret = basic?.secret ?? form.get('client_secret')
  if (id !== clientId || secret !== clientSecret) return tokenError('incorrect_client_credentials')
  const grantType = form.get('grant_type') ?? 'authorization_code'
  if (grantType === 'refresh_token') {
    const tokens = records.refreshTokens(form.get('refresh_token') ?? '')
    return tokens ? tokenFields(tokens) : tokenError('bad_refresh_token')
  }
  if (grantType !== 'authorization_code') return tokenError('unsupported_grant_type')
  const code = form.get('code') ?? ''
  const record = records.findCode(code)
  if (!record) return tokenError('bad_verification_code')
  if ((form.get('redirect_uri') ?? record.redirectUri) !== record.redirectUri) return tokenError('redirect_uri_mismatch')
  const { codeChallenge } = record
  if (codeChallenge && s256(form.get('code_verifier') ?? '') !== codeChallenge) return tokenError('bad_verification_code')
  records.spendCode(code)
  return tokenFields(records.issueTokens(record))
}

/** The challenge of a verifier (RFC 7636 §4.2). */
function s256(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

// The tokens of a GitHub App have permissions instead of scopes, so `scope` is there and empty.
function tokenFields({ accessToken, scopes, refresh }: IssuedTokens): Fields {
  if (!refresh) return { access_token: accessToken, token_type: 'bearer', scope: scopes.join(',') }
  return {
    access_token: accessToken,
    expires_in: refresh.accessExpiresIn,
    refresh_token: refresh.token,
    refresh_token_expires_in: refresh.expiresIn,
    token_type: 'bearer',
    scope: '',
  }
}
