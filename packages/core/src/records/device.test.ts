import { describe, expect, it } from 'vitest'
import { hashSecret } from '../protocol/compare.ts'
import { challengeOf } from '../protocol/pkce.ts'
import { collectGrant, holdCode } from './collect-grant.ts'
import { approveDevice, type Device, denyDevice, deviceShape, isDeviceWaiting, newDevice, pollDevice } from './device.ts'
import type { Grant } from './grant.ts'

const now = 1_767_268_800
const verifier = 'a-verifier-that-is-made-for-nothing-but-tests-01'
const request = {
  clientId: 'client-1',
  redirectUri: 'https://mcp.example.com/device/done',
  challenge: challengeOf(verifier),
  scopes: ['read'],
  resource: 'https://mcp.example.com/mcp',
}
const waiting: Device = {
  request,
  secretHash: hashSecret('secret'),
  verifier,
  status: { is: 'waiting' },
  interval: 5,
  expiresAt: now + 900,
  endsAt: now + 1200,
}
const approval = { grantId: 'grant-1', codeHash: 'hash' }
const approved: Device = { ...waiting, status: { is: 'approved', ...approval } }
const denied: Device = { ...waiting, status: { is: 'denied' } }
const asking = { clientId: 'client-1', secretHash: hashSecret('secret') }

describe('a device', () => {
  it('begins waiting, for a quarter of an hour, and is remembered five minutes longer', () => {
    expect(newDevice(request, hashSecret('secret'), verifier, now)).toEqual(waiting)
  })

  it.each([waiting, approved, denied])('is read from the store, with what this release does not know: $status.is', (device) => {
    const stored = { ...device, later: 1, status: { ...device.status, later: 2 } }
    expect(deviceShape.parse(JSON.parse(JSON.stringify(stored)))).toEqual(stored)
  })
})

describe('polling', () => {
  const refused = (reason: string) => ({ is: 'refused', reason })

  it('notes when the device asked, and asks for patience (RFC 8628 §3.5)', () => {
    expect(pollDevice(waiting, asking, now)).toEqual({ next: { ...waiting, polledAt: now }, answer: refused('authorization_pending') })
  })

  it('too soon costs five seconds more, each time and for good', () => {
    const polled = { ...waiting, polledAt: now }
    const slowed = { ...waiting, polledAt: now + 3, interval: 10 }
    expect(pollDevice(polled, asking, now + 3)).toEqual({ next: slowed, answer: refused('slow_down') })
    expect(pollDevice(slowed, asking, now + 11)).toMatchObject({ next: { interval: 15 }, answer: refused('slow_down') })
    expect(pollDevice(slowed, asking, now + 12)).toMatchObject({ next: { interval: 10 }, answer: refused('authorization_pending') })
  })

  it('one second early is in time: seconds are whole here', () => {
    expect(pollDevice({ ...waiting, polledAt: now }, asking, now + 4).answer).toEqual(refused('authorization_pending'))
  })

  it('tells nothing to whoever has another secret, and changes nothing for it', () => {
    for (const device of [undefined, waiting, approved, denied])
      expect(pollDevice(device, { ...asking, secretHash: hashSecret('other') }, now)).toEqual({ answer: refused('device_code_unknown') })
  })

  it('is for its client alone', () => {
    for (const device of [waiting, approved, denied])
      expect(pollDevice(device, { ...asking, clientId: 'client-2' }, now)).toEqual({ answer: refused('device_code_of_another_client') })
  })

  it('finds the yes, whenever, and however fast', () => {
    const answer = { is: 'approved', ...approval, device: approved }
    expect(pollDevice(approved, asking, now)).toEqual({ answer })
    expect(pollDevice({ ...approved, polledAt: now + 1000 }, asking, now + 1000).answer).toMatchObject({ is: 'approved' })
  })

  it('finds the no, and the end', () => {
    expect(pollDevice(denied, asking, now)).toEqual({ answer: refused('device_denied') })
    expect(pollDevice(waiting, asking, now + 899).answer).toEqual(refused('authorization_pending'))
    expect(pollDevice(waiting, asking, now + 900)).toEqual({ answer: refused('device_code_expired') })
  })
})

describe('answering', () => {
  it('is possible once, in time', () => {
    expect([isDeviceWaiting(waiting, now + 899), isDeviceWaiting(waiting, now + 900)]).toEqual([true, false])
    for (const device of [approved, denied, undefined]) expect(isDeviceWaiting(device, now)).toBe(false)
    expect(approveDevice(waiting, approval, now)).toEqual({ next: approved, answer: true })
    expect(denyDevice(waiting, now)).toEqual({ next: denied, answer: true })
  })

  it('again with the same grant changes nothing, and is still a yes', () => {
    expect(approveDevice(approved, approval, now + 1000)).toEqual({ answer: true })
  })

  it('is not possible with another grant, after a no, after the end, or where there is no device', () => {
    for (const device of [approved, denied, undefined])
      expect(approveDevice(device, { grantId: 'grant-2', codeHash: 'h' }, now)).toEqual({ answer: false })
    expect(approveDevice(waiting, approval, now + 900)).toEqual({ answer: false })
    for (const device of [approved, denied, undefined]) expect(denyDevice(device, now)).toEqual({ answer: false })
  })
})

const grant: Grant = {
  id: 'grant-1',
  clientId: 'client-1',
  identity: { subject: '1', claims: {} },
  scopes: ['read'],
  resource: request.resource,
  createdAt: now,
  endsAt: now + 600,
  code: { hash: hashSecret('code'), challenge: request.challenge, redirectUri: request.redirectUri, expiresAt: now + 60, spent: false },
  refresh: { secret: 's', allowed: false, generation: 0, confirmed: false, graceFrom: now },
  upstream: { accessToken: 'a', scopes: ['read'], seq: 0, checkedAt: now },
}
const lifetimes = { accessToken: 3600, code: 60, grantIdle: 1000, grant: 10_000, lostStore: 600 }
const code = { clientId: 'client-1', codeHash: hashSecret('code'), verifier }
const held = { ...grant, code: { ...grant.code, expiresAt: now + 600 } } as Grant

describe('holding the code of a device’s login', () => {
  it('makes it last as long as its grant', () => {
    expect(holdCode(grant, code, now + 59)).toEqual({ next: held, answer: true })
  })

  it('again, or after it was redeemed, changes nothing', () => {
    const spent = { ...grant, code: { ...grant.code, spent: true } } as Grant
    for (const seen of [held, spent]) expect(holdCode(seen, code, now + 300)).toEqual({ answer: true })
  })

  it('is for the code that came in time, of that client, asked for with that verifier', () => {
    expect(holdCode(grant, code, now + 60)).toEqual({ answer: false })
    expect(holdCode(undefined, code, now)).toEqual({ answer: false })
    for (const other of [{ clientId: 'client-2' }, { codeHash: hashSecret('other') }, { verifier: verifier.replace('01', '02') }])
      expect(holdCode(grant, { ...code, ...other }, now)).toEqual({ answer: false })
  })
})

describe('collecting a device’s grant', () => {
  const redemption = { ...code, refreshes: 'always' } as const
  const { next, answer } = collectGrant(held, redemption, lifetimes, now + 300)
  const collected = next as Grant

  it('redeems its code', () => {
    expect(answer).toEqual({ is: 'good', grant: collected })
    expect(collected).toMatchObject({ code: { spent: true }, refresh: { allowed: true, generation: 0 }, endsAt: now + 1300 })
  })

  it('again within a minute gives the same generation, and writes nothing', () => {
    expect(collectGrant(collected, redemption, lifetimes, now + 360)).toEqual({ answer: { is: 'good', grant: collected } })
  })

  it('later, or after a refresh, gives nothing and ends nothing', () => {
    expect(collectGrant(collected, redemption, lifetimes, now + 361)).toEqual({ answer: { is: 'refused', reason: 'device_code_spent' } })
    const refreshed = { ...collected, refresh: { ...collected.refresh, generation: 1 } }
    expect(collectGrant(refreshed, redemption, lifetimes, now + 301).answer).toEqual({ is: 'refused', reason: 'device_code_spent' })
  })

  it('is for the resource that was granted, the first time and again', () => {
    const wrong = { ...redemption, resource: 'https://other.example/mcp' }
    for (const seen of [held, collected])
      expect(collectGrant(seen, wrong, lifetimes, now + 301)).toEqual({ answer: { is: 'refused', reason: 'code_for_another_resource' } })
  })

  it('is nothing where the grant has ended', () => {
    expect(collectGrant(undefined, redemption, lifetimes, now)).toEqual({ answer: { is: 'refused', reason: 'grant_unknown' } })
  })
})
