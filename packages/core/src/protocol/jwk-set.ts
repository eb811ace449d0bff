import { z } from 'zod'

/** A public key of a client, with the members that verifying needs and no others (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2). */
export interface PublicJwk {
  readonly kty: 'RSA' | 'EC' | 'OKP'
  readonly kid?: string
  readonly alg?: string
  readonly use?: string
  /** Whose signatures it is for, where a set is that of many issuers. */
  readonly issuer?: string
  readonly n?: string
  readonly e?: string
  readonly crv?: string
  readonly x?: string
  readonly y?: string
}

/** The stored shape of a {@link PublicJwk}, and what is taken of one that comes from outside (RFC 7517 §4: unknown members are ignored). */
export const publicJwkShape: z.ZodType<PublicJwk> = z.object({
  kty: z.enum(['RSA', 'EC', 'OKP']),
  kid: z.string().exactOptional(),
  alg: z.string().exactOptional(),
  use: z.string().exactOptional(),
  issuer: z.string().exactOptional(),
  n: z.string().exactOptional(),
  e: z.string().exactOptional(),
  crv: z.string().exactOptional(),
  x: z.string().exactOptional(),
  y: z.string().exactOptional(),
})

const set = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) })

/** The members of private keys and of secrets (RFC 7518 §6.2.2, §6.3.2 and §6.4.1). */
const privateMembers: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * Moduli to 8192 bits and exponents to 32 (ours): nobody's key has more, and a signature by a stranger's that had would cost
 * a hundred times what others do.
 */
const longest = { n: 1366, e: 6 }

/**
 * The public keys of a JWK set (RFC 7517 §5); undefined when it is none, or when a key in it is private or a secret: whoever
 * published that has no key any more. Keys of a kind that we cannot use are left out.
 */
export function parseJwkSet(json: unknown): readonly PublicJwk[] | undefined {
  const parsed = set.safeParse(json)
  if (!parsed.success) return undefined
  const { keys } = parsed.data
  if (keys.some((key) => key.kty === 'oct' || hasPrivateMember(key))) return undefined
  return keys.flatMap((key) => publicJwkShape.safeParse(key).data ?? []).filter(isOfUse)
}

function isOfUse({ n = '', e = '' }: PublicJwk): boolean {
  return n.length <= longest.n && e.length <= longest.e
}

/** Whether a JWK has a member of a private key or of a secret (RFC 7518 §6.2.2, §6.3.2 and §6.4.1). */
export function hasPrivateMember(jwk: Readonly<Record<string, unknown>>): boolean {
  return privateMembers.some((member) => jwk[member] !== undefined)
}
