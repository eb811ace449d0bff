//#region parts
import { authRoutes, requireAuth } from '@drawbridge/core/hono'
import { Hono } from 'hono'
import { auth } from './auth.ts'
import { mcp } from './mcp.ts'

const app = new Hono()
app.use(authRoutes(auth))
app.all('/mcp', requireAuth(auth), (context) => mcp.fetch(context.req.raw, { authInfo: context.get('auth') }))
//#endregion

export default app
