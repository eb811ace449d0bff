import { completable, createRequestStateCodec, type GetPromptResult, McpServer, ResourceTemplate } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { registerInputTools } from './input-tools.ts'
import { registerPlainTools } from './plain-tools.ts'
import { png } from './samples.ts'

const codec = createRequestStateCodec({ key: 'a-key-for-nothing-but-the-suite-0123456789' })

/** An MCP server that has what the suite's server scenarios ask for, by the names they ask for. */
export function everythingServer(): McpServer {
  const server = new McpServer(
    { name: 'everything', version: '1.0.0' },
    { capabilities: { logging: {}, resources: { subscribe: true } }, requestState: { verify: codec.verify } },
  )
  registerPlainTools(server)
  registerInputTools(server, codec)
  registerResources(server)
  registerPrompts(server)
  return server
}

function registerResources(server: McpServer): void {
  const text = 'This is the content of the static text resource.'
  server.registerResource('text', 'test://static-text', { mimeType: 'text/plain' }, (uri) => ({
    contents: [{ uri: uri.href, mimeType: 'text/plain', text }],
  }))
  server.registerResource('binary', 'test://static-binary', { mimeType: 'image/png' }, (uri) => ({
    contents: [{ uri: uri.href, mimeType: 'image/png', blob: png }],
  }))
  server.registerResource('watched', 'test://watched-resource', { mimeType: 'text/plain' }, (uri) => ({
    contents: [{ uri: uri.href, mimeType: 'text/plain', text }],
  }))
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined })
  server.registerResource('template', template, { mimeType: 'application/json' }, (uri, { id }) => ({
    contents: [{ uri: uri.href, mimeType: 'application/json', text: JSON.stringify({ id }) }],
  }))
  // Nothing here ever changes, so there is nothing to remember about who would be told.
  server.server.setRequestHandler('resources/subscribe', () => ({}))
  server.server.setRequestHandler('resources/unsubscribe', () => ({}))
}

function registerPrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'A prompt.' }, () => prompt({ type: 'text', text: 'A simple prompt.' }))
  const two = z.object({ arg1: completable(z.string(), () => ['paris', 'park', 'party']), arg2: z.string() })
  server.registerPrompt('test_prompt_with_arguments', { description: 'Two arguments.', argsSchema: two }, ({ arg1, arg2 }) =>
    prompt({ type: 'text', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` }),
  )
  const one = z.object({ resourceUri: z.string() })
  server.registerPrompt('test_prompt_with_embedded_resource', { description: 'A resource.', argsSchema: one }, ({ resourceUri }) =>
    prompt(
      { type: 'resource', resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' } },
      { type: 'text', text: 'Please process the embedded resource above.' },
    ),
  )
  server.registerPrompt('test_prompt_with_image', { description: 'An image.' }, () =>
    prompt({ type: 'image', data: png, mimeType: 'image/png' }, { type: 'text', text: 'Please analyze the image above.' }),
  )
}

function prompt(...contents: GetPromptResult['messages'][number]['content'][]): GetPromptResult {
  return { messages: contents.map((content) => ({ role: 'user', content })) }
}
