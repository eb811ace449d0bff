//#region routes
import { Hono } from 'hono'
import { auth } from './auth.ts'

// BASE_URL=https://example.com/api
const app = new Hono()
for (const { method, path, handler } of auth.getRoutes()) app.on(method, `/api${path}`, (context) => handler(context.req.raw))
for (const { method, path, handler } of auth.getWellKnownRoutes()) app.on(method, path, (context) => handler(context.req.raw))
//#endregion

export default app
