//#region stripped
import { mcpApp, wellKnownRoutes, withPrefix } from '@drawbridge/core/hono'
import { Hono } from 'hono'
import { auth } from './auth.ts'
import { mcp } from './mcp.ts'

// BASE_URL=https://example.com/api
const app = new Hono()
app.route('/', wellKnownRoutes(auth))
app.mount('/api', withPrefix('/api', mcpApp({ auth, mcp }).fetch))
//#endregion

export default app
