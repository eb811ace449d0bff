import {
  acceptedContent,
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  type GetPromptResult,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type McpServer,
  type RequestStateCodec,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { z } from 'zod'

const description = 'Asks back.'
const nameShape = z.object({ name: z.string() })
const okShape = z.object({ ok: z.boolean() })
const colorShape = z.object({ color: z.string() })
const contextShape = z.object({ context: z.string() })
const capabilitiesShape = z.object({
  [CLIENT_CAPABILITIES_META_KEY]: z
    .object({ elicitation: z.object({}), sampling: z.object({}) })
    .partial()
    .optional(),
})

const askName = (message = 'What is your name?') => inputRequired.elicit({ message, requestedSchema: nameShape })
const confirm = inputRequired.elicit({ message: 'Please confirm', requestedSchema: okShape })
const ask = (text: string, maxTokens: number) =>
  inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens })

/** Registers the tools, and a prompt, that answer only after the client was asked for more (2026-07-28). */
export function registerInputTools(server: McpServer, codec: RequestStateCodec): void {
  registerSingleQuestions(server)
  registerStatefulQuestions(server, codec)
  registerSeveralQuestions(server, codec)
  const prompt = 'test_input_required_result_prompt'
  server.registerPrompt(prompt, { description }, ({ mcpReq }): GetPromptResult | InputRequiredResult => {
    const given = acceptedContent(mcpReq.inputResponses, 'user_context', contextShape)
    const question = inputRequired.elicit({ message: 'What context should the prompt use?', requestedSchema: contextShape })
    if (!given) return inputRequired({ inputRequests: { user_context: question } })
    return { messages: [{ role: 'user', content: { type: 'text', text: `Context: ${given.context}` } }] }
  })
}

function registerSingleQuestions(server: McpServer): void {
  for (const name of ['test_input_required_result_elicitation', 'test_streaming_elicitation'])
    server.registerTool(name, { description }, ({ mcpReq }) => {
      const given = acceptedContent(mcpReq.inputResponses, 'user_name', nameShape)
      return given ? said(`Hello, ${given.name}!`) : inputRequired({ inputRequests: { user_name: askName() } })
    })
  for (const name of ['test_input_required_result_sampling', 'test_missing_capability'])
    server.registerTool(name, { description }, ({ mcpReq }) => {
      const given = inputResponse(mcpReq.inputResponses, 'capital_question')
      if (given.kind === 'sampling') return said(JSON.stringify(given.result.content))
      return inputRequired({ inputRequests: { capital_question: ask('What is the capital of France?', 100) } })
    })
  server.registerTool('test_input_required_result_list_roots', { description }, ({ mcpReq }) => {
    const given = inputResponse(mcpReq.inputResponses, 'client_roots')
    if (given.kind === 'roots') return said(given.roots.map(({ uri }) => uri).join(' '))
    return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } })
  })
  server.registerTool('test_input_required_result_capabilities', { description }, ({ mcpReq }) => {
    if (mcpReq.inputResponses) return said('answered')
    const { [CLIENT_CAPABILITIES_META_KEY]: can } = capabilitiesShape.parse(mcpReq.envelope ?? {})
    const inputRequests = {
      ...(can?.elicitation && { user_name: askName() }),
      ...(can?.sampling && { greeting: ask('Generate a greeting', 50) }),
    }
    return Object.keys(inputRequests).length === 0 ? said('nothing can be asked') : inputRequired({ inputRequests })
  })
}

function registerStatefulQuestions(server: McpServer, codec: RequestStateCodec): void {
  const confirmed = async ({ mcpReq }: ServerContext): Promise<CallToolResult | InputRequiredResult> => {
    const given = acceptedContent(mcpReq.inputResponses, 'confirm', okShape)
    if (given && mcpReq.requestState() === 'asked') return said('state-ok')
    return inputRequired({ inputRequests: { confirm }, requestState: await codec.mint('asked') })
  }
  server.registerTool('test_input_required_result_request_state', { description }, confirmed)
  server.registerTool('test_input_required_result_tampered_state', { description }, confirmed)
  server.registerTool('test_input_required_result_multi_round', { description }, async ({ mcpReq }) => {
    const color = acceptedContent(mcpReq.inputResponses, 'step2', colorShape)
    const name = acceptedContent(mcpReq.inputResponses, 'step1', nameShape)
    if (color) return said(`${mcpReq.requestState()} likes ${color.color}`)
    const question = inputRequired.elicit({ message: 'Step 2: What is your favorite color?', requestedSchema: colorShape })
    if (name) return inputRequired({ inputRequests: { step2: question }, requestState: await codec.mint(name.name) })
    return inputRequired({ inputRequests: { step1: askName('Step 1: What is your name?') }, requestState: await codec.mint('begun') })
  })
}

function registerSeveralQuestions(server: McpServer, codec: RequestStateCodec): void {
  const questions = { user_name: askName(), greeting: ask('Generate a greeting', 50), client_roots: inputRequired.listRoots() }
  server.registerTool('test_input_required_result_multiple_inputs', { description }, async ({ mcpReq }) => {
    const isAnswered = Object.keys(questions).every((key) => inputResponse(mcpReq.inputResponses, key).kind !== 'missing')
    if (isAnswered) return said('all answered')
    return inputRequired({ inputRequests: questions, requestState: await codec.mint('asked') })
  })
}

function said(text: string): CallToolResult {
  return { content: [{ type: 'text', text }] }
}
