import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePort } from '../support/free-port.ts'

/** What an OpenID provider is made of. */
export interface OpenIdPlan {
  /** Where it listens. */
  readonly port: number
  /** What it calls itself; it may be another place, for which it takes requests with `x-forwarded-host`. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUris: readonly string[]
  readonly clientAuthentication: 'client_secret_basic' | 'client_secret_post'
  /** The public half of our key, where that proves us and no secret does. */
  readonly publicJwk?: object
  /** Seconds by which its clock is ahead. */
  readonly ahead: number
  /** Seconds that its ID tokens live. */
  readonly idTokenLife: number
  /** What it says of everybody beside the name and the address. */
  readonly claims: Readonly<Record<string, unknown>>
  /** Scopes that it knows beside those of OpenID Connect. */
  readonly scopes: readonly string[]
}

/** What it is told. */
export type OpenIdOrder = { readonly is: 'rotate'; readonly withdraw: boolean }

/** What it says. */
export interface OpenIdReport {
  readonly is: 'ready' | 'done'
}

/** An OpenID provider in a process of its own. */
export interface OpenIdServer {
  readonly issuer: string
  readonly port: number
  readonly clientId: string
  readonly clientSecret: string
  /** Signs with another key from now on; `withdraw` takes the old one out of its key set. */
  rotate(withdraw?: boolean): Promise<void>
  /** Ends it at once. */
  kill(): Promise<void>
}

/** Starts one, below `path` of its origin. */
export async function startOpenIdServer({
  path = '',
  ...plan
}: Partial<OpenIdPlan> & Pick<OpenIdPlan, 'redirectUris'> & { readonly path?: string }): Promise<OpenIdServer> {
  const port = plan.port ?? (await freePort())
  const whole: OpenIdPlan = {
    port,
    issuer: `http://127.0.0.1:${port}${path}`,
    clientAuthentication: 'client_secret_basic',
    clientId: 'upstream-id',
    clientSecret: 'a-secret-of-a-test /+&%',
    ahead: 0,
    idTokenLife: 3600,
    claims: {},
    scopes: [],
    ...plan,
  }
  const child = fork(fileURLToPath(new URL('openid-process.ts', import.meta.url)), {
    env: { ...process.env, NODE_ENV: 'test', OPENID_PLAN: JSON.stringify(whole) },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--no-warnings'],
  })
  await heard(child, 'ready')
  return {
    issuer: whole.issuer,
    port,
    clientId: whole.clientId,
    clientSecret: whole.clientSecret,
    async rotate(withdraw = false) {
      const done = heard(child, 'done')
      child.send({ is: 'rotate', withdraw } satisfies OpenIdOrder)
      await done
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

async function heard(child: ChildProcess, what: OpenIdReport['is']): Promise<void> {
  const said: string[] = []
  child.stderr?.on('data', (chunk: Buffer) => said.push(String(chunk)))
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the OpenID provider ended: ${said.join('')}`)
  })
  const [report]: OpenIdReport[] = await Promise.race([once(child, 'message'), ended])
  ended.catch(() => {})
  if (report?.is !== what) throw new Error(`the OpenID provider said ${report?.is}`)
}
