import type { Environment } from '../ports/environment.ts'
import { proofWindow } from '../protocol/dpop.ts'
import { DpopNonceWanted, invalidDpopProof } from '../protocol/errors.ts'
import { fixedLifetimes } from '../protocol/lifetimes.ts'
import { useOnce } from '../records/once.ts'
import type { Records } from '../records/records.ts'
import { dpopNonces } from './dpop-nonces.ts'
import { type ProofTarget, type VerifiedProof, verifyProof } from './verify-proof.ts'

/** How DPoP is used here. */
export interface DpopPolicy {
  /** Whether no other tokens are issued, and none taken. */
  readonly required: boolean
  /** Whether proofs need a nonce of ours. */
  readonly nonce: boolean
}

/** A proof that holds, and was not used yet as far as anybody asked. */
export interface Proof {
  /** The thumbprint of the key it proves. */
  readonly thumbprint: string
  /** A newer nonce than the one it brought, for the answer (RFC 9449 §8.2). */
  readonly freshNonce?: string
  /** Uses it up, on all hosts. Throws `invalid_dpop_proof` when it was used before (RFC 9449 §11.1). */
  use(): Promise<void>
}

/** Reads proofs. */
export interface DpopProofs {
  readonly required: boolean
  /** The proof that a request brings, undefined when it brings none. Throws `invalid_dpop_proof`, and `use_dpop_nonce` with the nonce to use. */
  read(request: Request, target: Omit<ProofTarget, 'method'>): Promise<Proof | undefined>
  /** As `read`, for a request that has to bring one. */
  demand(request: Request, target: Omit<ProofTarget, 'method'>): Promise<Proof>
}

/** What reading needs. */
export interface DpopProofNeeds {
  readonly dpop: DpopPolicy
  readonly records: Pick<Records, 'deployment' | 'onces'>
  readonly environment: Environment
}

/** Makes the one place where proofs are judged (RFC 9449 §4.3). Nothing is stored before somebody uses one. */
export function dpopProofs(needs: DpopProofNeeds): DpopProofs {
  const { dpop, records, environment } = needs
  const nonces = dpopNonces(needs)

  // After everything else: who cannot sign is told no nonce, and a wrong one uses nothing up.
  async function judgeNonce({ nonce }: VerifiedProof): Promise<{ freshNonce?: string }> {
    if (!dpop.nonce) return {}
    const judged = nonce === undefined ? 'missing' : await nonces.judge(nonce)
    if (judged === 'good') return {}
    const freshNonce = await nonces.current()
    if (judged === 'old') return { freshNonce }
    throw new DpopNonceWanted(freshNonce, `nonce_${judged}`)
  }

  async function read(request: Request, target: Omit<ProofTarget, 'method'>): Promise<Proof | undefined> {
    const header = request.headers.get('dpop')
    if (header === null) return undefined
    const proof = await verifyProof(header, { ...target, method: request.method }, environment.now())
    return { thumbprint: proof.thumbprint, ...(await judgeNonce(proof)), use: () => spend(records.onces, proof) }
  }

  return {
    required: dpop.required,
    read,
    async demand(request, target) {
      const proof = await read(request, target)
      if (!proof) throw missingProof()
      return proof
    },
  }
}

/** The refusal of a request without the proof that it needs (RFC 9449 §5 and §7). */
export function missingProof(): Error {
  return invalidDpopProof('The DPoP proof is missing, or not good for this request.', 'proof_missing')
}

// Only who holds the key can use up a `jti` of it. It is kept until the proof is too old for every host.
async function spend(onces: Records['onces'], { thumbprint, jti, issuedAt }: VerifiedProof): Promise<void> {
  const endsAt = Math.ceil(issuedAt) + proofWindow + fixedLifetimes.leeway
  if (await useOnce(onces, 'dpop-proof', { owner: thumbprint, id: jti, endsAt })) return
  throw invalidDpopProof('The DPoP proof is missing, or not good for this request.', 'proof_replayed')
}
