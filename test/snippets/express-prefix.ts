//#region express-prefix
import { nodeHandler } from '@drawbridge/core/node'
import express from 'express'
import { auth } from './auth.ts'

// BASE_URL=https://example.com/api
const app = express()
app.use('/api', nodeHandler(auth))
app.use('/.well-known', nodeHandler(auth))
//#endregion

export default app
