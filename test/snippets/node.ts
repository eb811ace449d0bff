//#region node
import { createServer } from 'node:http'
import type { AuthInfo } from '@drawbridge/core'
import { type NodeRequest, nodeHandler, requireAuth } from '@drawbridge/core/node'
import { auth } from './auth.ts'

const ours = nodeHandler(auth)
const gate = requireAuth(auth)

const server = createServer((request: NodeRequest, response) => {
  ours(request, response, () => {
    if (request.url !== '/mcp') return response.writeHead(404).end()
    return gate(request, response, () => {
      const { extra } = request.auth as AuthInfo
      response.end(`Hello, ${extra.subject}`)
    })
  })
})
//#endregion

export default server
