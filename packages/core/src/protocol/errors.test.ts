import { describe, expect, it } from 'vitest'
import {
  accessDenied,
  ConfigurationError,
  type ErrorCode,
  invalidClient,
  invalidGrant,
  invalidRequest,
  invalidScope,
  invalidTarget,
  invalidToken,
  OAuthError,
} from './errors.ts'

describe('an OAuth error', () => {
  it.each<[ErrorCode, number]>([
    ['invalid_request', 400],
    ['invalid_client', 401],
    ['invalid_grant', 400],
    ['unauthorized_client', 400],
    ['unsupported_grant_type', 400],
    ['unsupported_response_type', 400],
    ['invalid_scope', 400],
    ['invalid_target', 400],
    ['request_not_supported', 400],
    ['request_uri_not_supported', 400],
    ['interaction_required', 400],
    ['access_denied', 403],
    ['server_error', 500],
    ['temporarily_unavailable', 503],
    ['invalid_redirect_uri', 400],
    ['invalid_client_metadata', 400],
    ['invalid_token', 401],
    ['insufficient_scope', 403],
  ])('%s is answered with %i', (code, status) => {
    expect(new OAuthError(code, 'text', { reason: 'fact' }).status).toBe(status)
  })

  it('has a body of two members, and keeps the reason for the operator (RFC 6749 §5.2)', () => {
    const cause = new Error('the store said something')
    const error = invalidGrant('The code is invalid.', 'code_of_another_client', cause)
    expect(error.toResponseObject()).toEqual({ error: 'invalid_grant', error_description: 'The code is invalid.' })
    expect(JSON.stringify(error.toResponseObject())).not.toContain('another')
    expect({ reason: error.reason, message: error.message, cause: error.cause, name: error.name }).toEqual({
      reason: 'code_of_another_client',
      message: 'The code is invalid.',
      cause,
      name: 'OAuthError',
    })
  })

  it.each([
    [invalidRequest, 'invalid_request'],
    [invalidGrant, 'invalid_grant'],
    [invalidClient, 'invalid_client'],
    [invalidScope, 'invalid_scope'],
    [invalidTarget, 'invalid_target'],
    [invalidToken, 'invalid_token'],
    [accessDenied, 'access_denied'],
  ])('is made by the function of its name', (make, code) => {
    expect(make('text', 'fact').code).toBe(code)
  })

  it('is what SDK v2 knows as its own: a brand, a code and a body (G19)', () => {
    const error = invalidToken('The access token is invalid.', 'token_not_ours')
    const brands: unknown = Reflect.get(error, Symbol.for('mcp.sdk.errorBrands'))
    expect(Object.hasOwn(error, Symbol.for('mcp.sdk.errorBrands'))).toBe(true)
    expect(brands).toEqual(new Set(['mcp.OAuthError']))
    expect(error).toMatchObject({ code: 'invalid_token' })
    // The brand is for the SDK and not for logs.
    expect(Object.keys(error)).not.toContain('mcp.sdk.errorBrands')
    expect(Object.getOwnPropertyDescriptor(error, Symbol.for('mcp.sdk.errorBrands'))?.enumerable).toBe(false)
  })
})

it('a configuration error lists every problem at once', () => {
  const cause = new Error('inner')
  const error = new ConfigurationError(['baseUrl is missing', 'clientId is missing'], { cause })
  expect(error.message).toBe('Drawbridge cannot start:\n  - baseUrl is missing\n  - clientId is missing')
  expect(error.problems).toEqual(['baseUrl is missing', 'clientId is missing'])
  expect(error.cause).toBe(cause)
  expect(error.name).toBe('ConfigurationError')
})
