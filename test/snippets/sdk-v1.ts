//#region sdk-v1
import { nodeHandler } from '@drawbridge/core/node'
import { sdkV1Verifier } from '@drawbridge/core/sdk-v1'
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
import express from 'express'
import { auth } from './auth.ts'

const [{ uri, metadataUrl }] = auth.resources
const gate = requireBearerAuth({
  verifier: sdkV1Verifier(auth),
  requiredScopes: ['user'],
  resourceMetadataUrl: metadataUrl,
  expectedResource: new URL(uri),
})

const app = express()
app.use(nodeHandler(auth))
app.post('/mcp', gate, (request, response) => response.send(`Hello, ${request.auth?.clientId}`))
//#endregion

export default app
