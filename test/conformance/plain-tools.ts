import { type CallToolResult, fromJsonSchema, type McpServer, type ServerContext } from '@modelcontextprotocol/server'
import { png, wav } from './samples.ts'

/** Registers the tools that answer without asking back: one for each kind of content, and what a tool says while it works. */
export function registerPlainTools(server: McpServer): void {
  for (const [name, content] of Object.entries(contents)) server.registerTool(name, { description: 'Answers.' }, () => ({ content }))
  server.registerTool('test_error_handling', { description: 'Fails.' }, () => {
    throw new Error('This tool intentionally returns an error for testing')
  })
  for (const name of ['test_tool_with_logging', 'test_logging_tool'])
    server.registerTool(name, { description: 'Logs.' }, async ({ mcpReq }) => {
      for (const text of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) await mcpReq.log('info', text)
      return said('logged')
    })
  server.registerTool('test_tool_with_progress', { description: 'Tells how far it is.' }, async (context) => {
    for (const progress of [0, 50, 100]) await tellProgress(context, progress)
    return said('done')
  })
  for (const [name, schema] of Object.entries(schemas)) {
    const inputSchema = fromJsonSchema<Record<string, unknown>>(schema)
    server.registerTool(name, { description: 'Takes what its schema says.', inputSchema }, () => said('taken'))
  }
}

const mixed = { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: '{"test":"data","value":123}' }
const embedded = { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'This is an embedded resource content.' }

const contents: Readonly<Record<string, CallToolResult['content']>> = {
  test_simple_text: [{ type: 'text', text: 'This is a simple text response for testing.' }],
  test_image_content: [{ type: 'image', data: png, mimeType: 'image/png' }],
  test_audio_content: [{ type: 'audio', data: wav, mimeType: 'audio/wav' }],
  test_embedded_resource: [{ type: 'resource', resource: embedded }],
  test_multiple_content_types: [
    { type: 'text', text: 'Multiple content types test:' },
    { type: 'image', data: png, mimeType: 'image/png' },
    { type: 'resource', resource: mixed },
  ],
}

/** A schema with the keywords of JSON Schema 2020-12 that have to arrive as they are. */
const addressSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object' as const,
  $defs: {
    address: { $anchor: 'addressDef', type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
}

const schemas = {
  json_schema_2020_12_tool: addressSchema,
  test_custom_headers: { type: 'object' as const, properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
}

function said(text: string): CallToolResult {
  return { content: [{ type: 'text', text }] }
}

async function tellProgress({ mcpReq }: ServerContext, progress: number): Promise<void> {
  const progressToken = mcpReq._meta?.progressToken
  if (progressToken === undefined) return
  await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } })
}
