//#region multi-auth
import { MultiAuth, StaticTokenVerifier } from '@drawbridge/core'
import { mcpApp } from '@drawbridge/core/hono'
import { auth as github } from './auth.ts'
import { mcp } from './mcp.ts'

const { NIGHTLY_TOKEN = '' } = process.env

const machines = new StaticTokenVerifier({
  tokens: [{ token: NIGHTLY_TOKEN, clientId: 'nightly', scopes: ['user'] }],
})

export const auth = new MultiAuth({ auth: github, verifiers: [machines] })

export const app = mcpApp({ auth, mcp })
//#endregion
