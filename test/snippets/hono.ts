//#region hono
import { mcpApp } from '@drawbridge/core/hono'
import { Hono } from 'hono'
import { auth } from './auth.ts'
import { mcp } from './mcp.ts'

const app = new Hono()
app.get('/status', (context) => context.text('all is well'))
app.route('/', mcpApp({ auth, mcp, health: true }))
//#endregion

export default app
