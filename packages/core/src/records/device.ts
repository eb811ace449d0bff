import { z } from 'zod'
import { isSameSecret } from '../protocol/compare.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import type { Seconds, UnixSeconds } from '../protocol/time.ts'
import type { Outcome } from './collection.ts'
import { type AuthorizationRequest, requestShape } from './transaction.ts'

/** A device that waits for a person to say yes elsewhere (RFC 8628), under its user code. */
export interface Device {
  /** What it asked for; its redirect URI is a page of ours, and its challenge that of `verifier`. */
  readonly request: AuthorizationRequest
  /** The hash of the device code's secret half. */
  readonly secretHash: string
  /** Redeems the code of the login that the person makes for this device; nobody else has it. */
  readonly verifier: string
  readonly status: DeviceStatus
  /** How long the device waits between two questions, and when it last asked. */
  readonly interval: Seconds
  readonly polledAt?: UnixSeconds
  readonly expiresAt: UnixSeconds
  readonly endsAt: UnixSeconds
}

/** Where a device stands; an approved one has a grant whose code waits to be redeemed. */
export type DeviceStatus =
  | { readonly is: 'waiting' }
  | { readonly is: 'denied' }
  | { readonly is: 'approved'; readonly grantId: string; readonly codeHash: string }

/** The stored shape of a {@link Device}. */
export const deviceShape: z.ZodType<Device> = z.looseObject({
  request: requestShape,
  secretHash: z.string(),
  verifier: z.string(),
  status: z.discriminatedUnion('is', [
    z.looseObject({ is: z.literal('waiting') }),
    z.looseObject({ is: z.literal('denied') }),
    z.looseObject({ is: z.literal('approved'), grantId: z.string(), codeHash: z.string() }),
  ]),
  interval: z.number(),
  polledAt: z.number().exactOptional(),
  expiresAt: z.number(),
  endsAt: z.number(),
})

/** What a device is told that asks: whose grant to redeem, or why not yet, or why not at all. */
export type Poll =
  | { readonly is: 'approved'; readonly device: Device; readonly grantId: string; readonly codeHash: string }
  | { readonly is: 'refused'; readonly reason: PollRefusal }

/** Why a device gets no tokens (RFC 8628 §3.5). */
export type PollRefusal =
  | 'device_code_unknown'
  | 'device_code_of_another_client'
  | 'device_code_expired'
  | 'authorization_pending'
  | 'slow_down'
  | 'device_denied'

/** Between two questions of a device, and how much longer after each that came too soon (RFC 8628 §3.2, §3.5). */
export const pollInterval: Seconds = 5

/** A device that has just shown its user code. */
export function newDevice(request: AuthorizationRequest, secretHash: string, verifier: string, now: UnixSeconds): Device {
  const expiresAt = now + fixedLifetimes.deviceCode
  // It is kept for a while after that, so that the device is told that its code has expired, and not that it never was.
  const endsAt = expiresAt + fixedLifetimes.deviceCodeOver
  return { request, secretHash, verifier, status: { is: 'waiting' }, interval: pollInterval, expiresAt, endsAt }
}

/** Answers a device that asks. Whoever does not have its whole code learns nothing, not even that there is such a user code. */
export function pollDevice(
  device: Device | undefined,
  { clientId, secretHash }: { readonly clientId: string; readonly secretHash: string },
  now: UnixSeconds,
): Outcome<Device, Poll> {
  const refuse = (reason: PollRefusal): { answer: Poll } => ({ answer: { is: 'refused', reason } })
  if (!device || !isSameSecret(secretHash, device.secretHash)) return refuse('device_code_unknown')
  if (device.request.clientId !== clientId) return refuse('device_code_of_another_client')
  const { status, polledAt, interval } = device
  if (status.is === 'approved') return { answer: { ...status, device } }
  if (status.is === 'denied') return refuse('device_denied')
  if (device.expiresAt <= now) return refuse('device_code_expired')
  // Whole seconds: who waits for as long as told may seem to be one early.
  const isSoon = polledAt !== undefined && now - polledAt < interval - 1
  const next = { ...device, polledAt: now, interval: isSoon ? interval + pollInterval : interval }
  return { next, ...refuse(isSoon ? 'slow_down' : 'authorization_pending') }
}

/** A device whose person has not answered yet. */
type WaitingDevice = Device & { readonly status: { readonly is: 'waiting' } }

/** Whether a person can still answer for this device. */
export function isDeviceWaiting(device: Device | undefined, now: UnixSeconds): device is WaitingDevice {
  return device?.status.is === 'waiting' && now < device.expiresAt
}

/** Gives the device its grant; answers whether it has this one now. */
export function approveDevice(
  device: Device | undefined,
  { grantId, codeHash }: { readonly grantId: string; readonly codeHash: string },
  now: UnixSeconds,
): Outcome<Device, boolean> {
  if (!isDeviceWaiting(device, now)) return { answer: device?.status.is === 'approved' && device.status.grantId === grantId }
  return { next: { ...device, status: { is: 'approved', grantId, codeHash } }, answer: true }
}

/** Tells the device no; answers whether it was waiting for that. */
export function denyDevice(device: Device | undefined, now: UnixSeconds): Outcome<Device, boolean> {
  return isDeviceWaiting(device, now) ? { next: { ...device, status: { is: 'denied' } }, answer: true } : { answer: false }
}
