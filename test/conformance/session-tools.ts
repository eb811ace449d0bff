import type { CallToolResult, ElicitRequestFormParams, McpServer, ServerContext } from '@modelcontextprotocol/server'
import { z } from 'zod'

type RequestedSchema = ElicitRequestFormParams['requestedSchema']

/** Registers the tools that call the client back while it waits, as revisions before 2026-07-28 have it. Only a session can. */
export function registerSessionTools(server: McpServer): void {
  const description = 'Calls back.'
  server.registerTool('test_sampling', { description, inputSchema: z.object({ prompt: z.string() }) }, async ({ prompt }, { mcpReq }) => {
    const { content } = await mcpReq.requestSampling({
      messages: [{ role: 'user', content: { type: 'text', text: prompt } }],
      maxTokens: 100,
    })
    return said(`LLM response: ${JSON.stringify(content)}`)
  })
  server.registerTool('test_elicitation', { description, inputSchema: z.object({ message: z.string() }) }, ({ message }, context) =>
    elicit(context, message, account),
  )
  server.registerTool('test_elicitation_sep1034_defaults', { description }, (context) => elicit(context, 'Who are you?', defaults))
  server.registerTool('test_elicitation_sep1330_enums', { description }, (context) => elicit(context, 'Which ones?', choices))
}

const account: RequestedSchema = {
  type: 'object',
  properties: { username: { type: 'string' }, email: { type: 'string' } },
  required: ['username', 'email'],
}

const defaults: RequestedSchema = {
  type: 'object',
  properties: {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
  },
}

const options = ['option1', 'option2', 'option3']
const titled = options.map((name) => ({ const: name, title: `The ${name}` }))

const choices: RequestedSchema = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: options },
    titledSingle: { type: 'string', oneOf: titled },
    legacyEnum: { type: 'string', enum: options, enumNames: ['One', 'Two', 'Three'] },
    untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
    titledMulti: { type: 'array', items: { anyOf: titled } },
  },
}

async function elicit({ mcpReq }: ServerContext, message: string, requestedSchema: RequestedSchema): Promise<CallToolResult> {
  const { action, content } = await mcpReq.elicitInput({ message, requestedSchema })
  return said(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`)
}

function said(text: string): CallToolResult {
  return { content: [{ type: 'text', text }] }
}
