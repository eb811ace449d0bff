import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { type House, openHouse, redirectUri, type TokenAnswer, verifier } from '../support/house.ts'
import { readJson, refusal } from '../support/read-json.ts'
import { takeCode } from '../support/take-code.ts'

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
/** An id that could be ours, of the moment at which the clock stands; it names nothing. */
const someGrant = '019b796d-d600-7000-8000-000000000000'
const someSecret = 'A'.repeat(43)

const invalidGrant = refusal(400, 'invalid_grant', 'The code or refresh token is invalid, has expired, or belongs to another client.')
const invalidTarget = refusal(400, 'invalid_target', 'The resource is not the one that was granted.')
const invalidClient = refusal(401, 'invalid_client', 'The client is unknown or did not authenticate as it registered.')
const unsupportedGrantType = refusal(400, 'unsupported_grant_type', 'The grant type is not supported.')
const missing = (name: string) => refusal(400, 'invalid_request', `The parameter ${name} is missing.`)
const repeated = (name: string) => refusal(400, 'invalid_request', `The parameter ${name} was sent more than once.`)

/** Why the operator is told a request was refused, in order. */
const reasons = (house: House) => house.events.flatMap((event) => (event.type === 'request.refused' ? [event.reason] : []))
const count = (house: House, type: string) => house.events.filter((event) => event.type === type).length

describe('a redeemed code', () => {
  it('is answered with tokens and the scope, with no null, and the answer is not stored (R80, R89, R90, R93, G5, G6)', async () => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    const answer = await house.redeem(clientId, code, { redirect_uri: redirectUri, resource: 'http://localhost:8000/mcp' })
    expect(await readJson(answer)).toEqual({
      status: 200,
      body: {
        access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
        token_type: 'Bearer',
        expires_in: 3600,
        scope: 'user',
        refresh_token: expect.stringMatching(new RegExp(`^db_rt_${uuid}\\.0\\.[A-Za-z0-9_-]{43}$`)),
      },
    })
    expect(Object.fromEntries(answer.headers)).toEqual({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'WWW-Authenticate,Retry-After,DPoP-Nonce,X-Request-Id',
      'cache-control': 'no-store',
      'content-type': 'application/json',
      pragma: 'no-cache',
      'x-request-id': expect.stringMatching(/^[0-9a-f]{20}$/),
    })
  })

  it('gives an access token of the JWT profile, for one resource and one hour (R92, R98)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    expect(decodeProtectedHeader(tokens.access_token)).toEqual({ alg: 'HS256', typ: 'at+jwt', kid: '1dqTtWKPNZwiJ5KU' })
    expect(decodeJwt(tokens.access_token)).toEqual({
      iss: 'http://localhost:8000',
      aud: 'http://localhost:8000/mcp',
      sub: '583231',
      client_id: clientId,
      scope: 'user',
      jti: expect.stringMatching(new RegExp(`^${uuid}$`)),
      iat: 1_767_268_800,
      exp: 1_767_272_400,
      gid: tokens.refresh_token.slice(6, 42),
      gen: 0,
    })
  })

  it('is told to the operator without the code or a token', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    expect(house.events.at(-1)).toEqual({
      type: 'token.issued',
      clientId,
      grantId: tokens.refresh_token.slice(6, 42),
      generation: 0,
      at: 1_767_268_800,
    })
  })

  it('lives as long as the operator says', async () => {
    const house = openHouse({ lifetimes: { accessToken: 600 } })
    const { tokens } = await house.login()
    expect(tokens.expires_in).toBe(600)
    house.environment.advance(629)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    house.environment.advance(1)
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
  })

  it('shows the scopes that were granted, not those asked for (R90, R146, B42)', async () => {
    const house = openHouse({
      requiredScopes: ['user'],
      clients: { validScopes: ['user', 'gist', 'repo'] },
      upstream: { authorizeUser: () => ['user', 'gist'] },
    })
    const { clientId, code } = await takeCode(house, { scope: 'user gist repo' })
    const tokens: TokenAnswer = await (await house.redeem(clientId, code)).json()
    expect(tokens.scope).toBe('user gist')
    expect(decodeJwt(tokens.access_token).scope).toBe('user gist')
  })

  it('names its scope even when nothing was granted (G5)', async () => {
    const house = openHouse({ requiredScopes: [], clients: { validScopes: ['user'] } })
    const { tokens } = await house.login()
    expect(tokens.scope).toBe('')
  })

  it.each([
    ['without redirect_uri and resource', {}],
    ['with the redirect URI that was asked with (R84)', { redirect_uri: redirectUri }],
    ['with the resource that was granted', { resource: 'http://localhost:8000/mcp' }],
    ['with the resource in capitals (R25)', { resource: 'HTTP://LOCALHOST:8000/mcp' }],
    ['with parameters nobody knows (R62, R80)', { audience: 'x', 'code[]': 'y', client_proof: 'z' }],
    ['with parameters that have no value, which count as absent', { client_secret: '', redirect_uri: '', resource: '', scope: '' }],
  ])('is accepted %s', async (_, fields) => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    expect((await house.redeem(clientId, code, fields)).status).toBe(200)
  })
})

describe('a refused redemption spends nothing (R91)', () => {
  it.each([
    ['a wrong verifier (R83, T19)', { code_verifier: `${verifier}x` }, invalidGrant, 'verifier_mismatch'],
    ['a verifier of one character (T19)', { code_verifier: 'x' }, invalidGrant, 'verifier_mismatch'],
    [
      'another redirect URI (R81, R84, T22)',
      { redirect_uri: 'http://127.0.0.1:5555/other' },
      invalidGrant,
      'code_for_another_redirect_uri',
    ],
    [
      'the redirect URI with another port',
      { redirect_uri: 'http://127.0.0.1:6666/callback' },
      invalidGrant,
      'code_for_another_redirect_uri',
    ],
    ['a resource of somebody else (R60, T59)', { resource: 'https://other.example/mcp' }, invalidTarget, 'code_for_another_resource'],
    ['a resource with a fragment', { resource: 'http://localhost:8000/mcp#x' }, invalidTarget, 'code_for_another_resource'],
    ['a client secret nobody asked for (R88, T17)', { client_secret: 'x' }, invalidClient, 'client_authentication_by_another_method'],
    ['an unknown client (R102, G3)', { client_id: someGrant }, invalidClient, 'client_unknown'],
    ['a client id that is not of our grammar', { client_id: 'client.example' }, invalidClient, 'client_unknown'],
    ['a grant type nobody serves (R147)', { grant_type: 'password' }, unsupportedGrantType, 'grant_type_unsupported'],
  ])('for %s', async (_, fields, expected, reason) => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    const answer = await house.redeem(clientId, code, fields)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('www-authenticate')).toBeNull()
    expect(await readJson(answer)).toEqual(expected)
    expect(reasons(house)).toEqual([reason])
    expect(count(house, 'token.issued') + count(house, 'grant.ended')).toBe(0)
    expect((await house.redeem(clientId, code)).status).toBe(200)
  })

  it('for another resource of ours than the one granted (T59)', async () => {
    const house = openHouse({ mcpPath: ['/mcp', '/other'] })
    const { clientId, code } = await takeCode(house, { resource: 'http://localhost:8000/mcp' })
    expect(await readJson(await house.redeem(clientId, code, { resource: 'http://localhost:8000/other' }))).toEqual(invalidTarget)
    expect((await house.redeem(clientId, code)).status).toBe(200)
  })

  it('for another client, who has the right verifier (R81, T15)', async () => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    const other = await house.register()
    expect(await readJson(await house.redeem(other, code))).toEqual(invalidGrant)
    expect(reasons(house)).toEqual(['code_of_another_client'])
    expect((await house.redeem(clientId, code)).status).toBe(200)
  })

  it('for a guess that names the grant (T15)', async () => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    expect(await readJson(await house.redeem(clientId, code.replace(/\..*/, `.${someSecret}`)))).toEqual(invalidGrant)
    expect(reasons(house)).toEqual(['code_unknown'])
    expect((await house.redeem(clientId, code)).status).toBe(200)
  })

  it.each(['grant_type', 'client_id', 'code', 'code_verifier'])('for a request without %s (R80, T19)', async (name) => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    expect(await readJson(await house.redeem(clientId, code, { [name]: '' }))).toEqual(missing(name))
    expect((await house.redeem(clientId, code)).status).toBe(200)
  })

  it.each(['grant_type', 'client_id', 'client_secret', 'code', 'redirect_uri', 'code_verifier', 'refresh_token', 'scope', 'resource'])(
    'for %s sent twice, with one value or two (R62, R80, T30)',
    async (name) => {
      const house = openHouse()
      const { clientId, code } = await takeCode(house)
      const fields = { grant_type: 'authorization_code', client_id: clientId, code, code_verifier: verifier }
      const twice = new URLSearchParams({ [name]: 'x', ...fields })
      twice.append(name, twice.get(name) ?? '')
      expect(await readJson(await house.post('/token', twice))).toEqual(repeated(name))
      expect((await house.redeem(clientId, code)).status).toBe(200)
    },
  )

  it.each([
    ['Basic', `Basic ${Buffer.from('x:y').toString('base64')}`, 'Basic realm="Drawbridge"'],
    ['Basic that cannot be read', 'basic %%%', 'Basic realm="Drawbridge"'],
    ['another scheme', 'Bearer abc', null],
  ])('for an Authorization header from a public client: %s (R86, R88, T17, T18)', async (_, authorization, challenge) => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    const fields = { grant_type: 'authorization_code', client_id: clientId, code, code_verifier: verifier }
    const answer = await house.post('/token', fields, { authorization })
    expect(await readJson(answer)).toEqual(invalidClient)
    expect(answer.headers.get('www-authenticate')).toBe(challenge)
    expect((await house.redeem(clientId, code)).status).toBe(200)
  })

  it.each([
    ['JSON', 'application/json', (fields: Record<string, string>) => JSON.stringify(fields)],
    ['text', 'text/plain', (fields: Record<string, string>) => new URLSearchParams(fields).toString()],
    ['several parts', 'multipart/form-data; boundary=x', () => '--x--'],
  ])('for a body of %s (R80, T83)', async (_, type, format) => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    const body = format({ grant_type: 'authorization_code', client_id: clientId, code, code_verifier: verifier })
    const answer = await house.call('/token', { method: 'POST', headers: { 'content-type': type }, body })
    expect(await readJson(answer)).toEqual(refusal(400, 'invalid_request', 'The body is not application/x-www-form-urlencoded.'))
    expect((await house.redeem(clientId, code)).status).toBe(200)
  })

  it('for an encoded body, for one in other characters, and for one that is too long (T80, T34)', async () => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    const fields = { grant_type: 'authorization_code', client_id: clientId, code, code_verifier: verifier }
    const encoded = await house.post('/token', fields, { 'content-encoding': 'gzip' })
    expect(await readJson(encoded)).toEqual(refusal(415, 'invalid_request', 'The body is encoded.'))
    const utf16 = await house.post('/token', fields, { 'content-type': 'application/x-www-form-urlencoded; charset=utf-16' })
    expect(await readJson(utf16)).toEqual(refusal(415, 'invalid_request', 'The body is not UTF-8.'))
    const long = await house.post('/token', { ...fields, padding: 'x'.repeat(17_000) })
    expect(await readJson(long)).toEqual(refusal(413, 'invalid_request', 'The body is too long.'))
    expect((await house.redeem(clientId, code)).status).toBe(200)
  })
})

describe('what is not a code of ours', () => {
  it.each([
    ['nothing we made', 'abc'],
    ['a code of a grant that never was', `db_ac_${someGrant}.${someSecret}`],
    ['a code with something behind it', `db_ac_${someGrant}.${someSecret} `],
    ['a refresh token (T62)', `db_rt_${someGrant}.0.${someSecret}`],
  ])('is refused like any other: %s (R81)', async (_, code) => {
    const house = openHouse()
    const clientId = await house.register()
    expect(await readJson(await house.redeem(clientId, code))).toEqual(invalidGrant)
  })

  it('is refused when it is a live refresh token or a live access token (T62)', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    for (const token of [tokens.refresh_token, tokens.access_token, tokens.refresh_token.replace('db_rt', 'db_ac').replace('.0.', '.')]) {
      expect(await readJson(await house.redeem(clientId, token))).toEqual(invalidGrant)
    }
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
  })
})

describe('a grant type', () => {
  it.each([
    'password',
    'client_credentials',
    'implicit',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    'urn:ietf:params:oauth:grant-type:device_code',
    'AUTHORIZATION_CODE',
    '__proto__',
    'constructor',
  ])('that is not in the metadata is unsupported: %s (R10, R147)', async (grantType) => {
    const house = openHouse()
    const clientId = await house.register()
    expect(await readJson(await house.post('/token', { grant_type: grantType, client_id: clientId }))).toEqual(unsupportedGrantType)
  })
})

describe('the token endpoint', () => {
  it('takes POST and nothing else (T83)', async () => {
    const house = openHouse()
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      const answer = await house.call('/token', { method })
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
    }
  })

  it('may be called from any origin, without credentials (R15, T81)', async () => {
    const house = openHouse()
    const answer = await house.call('/token', {
      method: 'OPTIONS',
      headers: {
        origin: 'https://inspector.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,mcp-protocol-version',
      },
    })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('access-control-allow-headers')).toBe('content-type,mcp-protocol-version')
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
  })
})

describe('a code that was redeemed', () => {
  it.each([
    ['at once', 0],
    ['five minutes later', 300],
    ['days later', 259_200],
  ])('ends its grant when it comes again with the right verifier, %s (R82, T16, I2)', async (_, seconds) => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    const tokens: TokenAnswer = await (await house.redeem(clientId, code)).json()
    house.environment.advance(seconds)
    expect(await readJson(await house.redeem(clientId, code))).toEqual(invalidGrant)
    expect(await house.mcpStatus(tokens.access_token)).toBe(401)
    expect(await readJson(await house.refresh(clientId, tokens.refresh_token))).toEqual(invalidGrant)
    const grantId = tokens.refresh_token.slice(6, 42)
    expect(house.events).toContainEqual(expect.objectContaining({ type: 'code.replayed', clientId, grantId }))
    expect(house.events).toContainEqual(expect.objectContaining({ type: 'grant.ended', clientId, grantId, reason: 'code_replayed' }))
    await house.environment.drain()
    expect(house.github.calls('revocation')).toBe(1)
  })

  it.each([
    ['a wrong verifier', { code_verifier: `${verifier}x` }],
    ['another redirect URI', { redirect_uri: 'http://127.0.0.1:5555/other' }],
    ['another resource', { resource: 'https://other.example/mcp' }],
    ['a secret', { client_secret: 'x' }],
  ])('ends nothing when it comes again with %s (R82, T15)', async (_, fields) => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    const tokens: TokenAnswer = await (await house.redeem(clientId, code)).json()
    expect((await house.redeem(clientId, code, fields)).status).not.toBe(200)
    expect(await house.mcpStatus(tokens.access_token)).toBe(200)
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(200)
    expect(count(house, 'grant.ended')).toBe(0)
  })

  it('ends nothing when another client brings it, verifier and all (T15)', async () => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    const tokens: TokenAnswer = await (await house.redeem(clientId, code)).json()
    const other = await house.register()
    expect(await readJson(await house.redeem(other, code))).toEqual(invalidGrant)
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(200)
  })
})

describe('a code', () => {
  it('is good for a minute (R81, REL-R23)', async () => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    house.environment.advance(59)
    expect((await house.redeem(clientId, code)).status).toBe(200)
    const late = await takeCode(house)
    house.environment.advance(60)
    expect(await readJson(await house.redeem(late.clientId, late.code))).toEqual(invalidGrant)
    expect(reasons(house)).toEqual(['code_expired'])
  })

  it('that nobody redeems is forgotten, with its grant, after ten minutes', async () => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    house.environment.advance(599)
    await house.redeem(clientId, code)
    house.environment.advance(1)
    expect(await readJson(await house.redeem(clientId, code))).toEqual(invalidGrant)
    expect(reasons(house)).toEqual(['code_expired', 'grant_unknown'])
  })

  it.each([
    ['one host', false],
    ['two hosts', true],
  ])('redeemed fifty times at once on %s gives tokens once, and the copies end the grant (R104, I2, REL-R1)', async (_, two) => {
    const house = openHouse()
    const hosts = two ? [house, openHouse({ beside: house })] : [house]
    const { clientId, code } = await takeCode(house)
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => (hosts[n % hosts.length] ?? house).redeem(clientId, code)))
    const good = answers.filter(({ status }) => status === 200)
    expect(good).toHaveLength(1)
    for (const answer of answers.filter(({ status }) => status !== 200)) expect(await readJson(answer)).toEqual(invalidGrant)
    const tokens: TokenAnswer | undefined = await good[0]?.json()
    expect(await house.mcpStatus(tokens?.access_token ?? '')).toBe(401)
    const events = hosts.flatMap((host) => host.events)
    expect(events.filter(({ type }) => type === 'token.issued')).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'grant.ended')).toHaveLength(1)
  })

  it('redeemed fifty times at once with one right verifier gives tokens once, and they stay good', async () => {
    const house = openHouse()
    const { clientId, code } = await takeCode(house)
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => house.redeem(clientId, code, n === 25 ? {} : { code_verifier: `wrong-${n}` })),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, (_, n) => (n === 25 ? 200 : 400)))
    const tokens: TokenAnswer | undefined = await answers[25]?.json()
    expect(await house.mcpStatus(tokens?.access_token ?? '')).toBe(200)
  })
})

describe('a registration', () => {
  /** Whether the server knows the client still: revoking nothing is a question that changes nothing. */
  const knows = async (house: House, clientId: string) => (await house.post('/revoke', { client_id: clientId, token: 'x' })).status === 200
  const day = 86_400

  it('that was never used ends after 30 days; the first redemption extends it to 430 (R102, R118, T41)', async () => {
    const house = openHouse()
    const unused = await house.register()
    const { clientId } = await house.login()
    await house.environment.drain()
    house.environment.advance(30 * day - 1)
    expect([await knows(house, unused), await knows(house, clientId)]).toEqual([true, true])
    house.environment.advance(1)
    expect([await knows(house, unused), await knows(house, clientId)]).toEqual([false, true])
    house.environment.advance(400 * day - 1)
    expect(await knows(house, clientId)).toBe(true)
    house.environment.advance(1)
    expect(await knows(house, clientId)).toBe(false)
  })

  it('is extended again by a refresh, once 30 days have gone by', async () => {
    const house = openHouse()
    const { clientId, tokens } = await house.login()
    await house.environment.drain()
    house.environment.advance(31 * day)
    expect((await house.refresh(clientId, tokens.refresh_token)).status).toBe(200)
    await house.environment.drain()
    house.environment.advance(430 * day - 1)
    expect(await knows(house, clientId)).toBe(true)
  })
})
