//#region kept
import { mcpApp, wellKnownRoutes } from '@drawbridge/core/hono'
import { Hono } from 'hono'
import { auth } from './auth.ts'
import { mcp } from './mcp.ts'

// BASE_URL=https://example.com/api
const app = new Hono()
app.route('/', wellKnownRoutes(auth))
app.route('/api', mcpApp({ auth, mcp }))
//#endregion

export default app
