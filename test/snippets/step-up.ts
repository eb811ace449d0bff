//#region step-up
import { mcpApp } from '@drawbridge/core/hono'
import { auth } from './auth.ts'
import { mcp } from './mcp.ts'

const app = mcpApp({ auth, mcp, toolScopes: { delete_repo: ['delete_repo', 'repo'] } })
//#endregion

export default app
