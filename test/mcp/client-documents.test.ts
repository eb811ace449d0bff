import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pinnedFetch } from '@drawbridge/core/testing'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ClientMemory } from '../../examples/quickstart/src/client-memory.ts'
import { type DocumentServer, openDocumentServer } from '../support/document-server.ts'
import { documentOf } from '../support/strangers.ts'
import { type Closeable, closeAll } from './close-all.ts'
import { allow } from './person.ts'
import { sdks } from './sdks.ts'
import { type ServedServer, serveServer } from './served-server.ts'
import { openWorkplace } from './workplace.ts'

const redirectUrl = 'http://127.0.0.1:33418/callback'

/** A host whose client is the document at a URL. */
class DocumentMemory extends ClientMemory {
  readonly clientMetadataUrl: string

  constructor(url: string) {
    super(redirectUrl)
    this.clientMetadataUrl = url
  }
}

let vendor: DocumentServer
let url: string
beforeAll(async () => {
  vendor = await openDocumentServer(['vendor.example.com'])
  url = `https://vendor.example.com:${vendor.port}/client.json`
  const uris = ['http://127.0.0.1/callback', 'http://localhost/oauth/callback', 'http://127.0.0.1/oauth/callback']
  vendor.answer = (_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(documentOf(url, { redirect_uris: uris })))
})
afterAll(() => vendor.close())

const open: Closeable[] = []
afterEach(() => closeAll(open))

async function server(): Promise<ServedServer> {
  const served = await serveServer({
    clients: { metadataDocuments: { dangerouslyAllowLoopback: true } },
    fetchPinned: pinnedFetch({ resolve: async () => ['127.0.0.1'] }),
  })
  open.push(served)
  return served
}

/** What there is to see when a client was its document, and registered nowhere. */
function expectDocument(served: ServedServer): void {
  expect(served.at('/register')).toEqual([])
  expect(served.at('/authorize').map(({ query }) => query.client_id)).toEqual([url])
  expect(served.events.map(({ type }) => type).slice(0, 4)).toEqual(['document.read', 'consent.approved', 'grant.opened', 'token.issued'])
}

describe('a client that has a document uses it, and does not register (R11, R119)', () => {
  it.each([sdks.v129, sdks.v132, sdks.v2])('$name', async (sdk) => {
    const served = await server()
    const memory = new DocumentMemory(url)
    const first = sdk.open(served.mcpUrl, memory)
    open.push(first)
    await expect(first.connect()).rejects.toThrow(sdk.Unauthorized)
    await first.finishAuth(new URL((await allow(memory.authorizationUrl?.href ?? '', redirectUrl)).url).searchParams)
    const client = sdk.open(served.mcpUrl, memory)
    open.push(client)
    await client.connect()
    expect(await client.call('whoami')).toContain('octocat')
    served.expireTokens()
    expect(await client.call('whoami')).toContain('octocat')
    expectDocument(served)
  })

  it('mcp-remote 0.15, on a port of its own choice', { timeout: 60_000, retry: 2 }, async () => {
    const served = await server()
    const workplace = await openWorkplace()
    open.push(workplace)
    const proxy = join(dirname(createRequire(import.meta.url).resolve('mcp-remote/package.json')), 'dist/proxy.js')
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [proxy, served.mcpUrl, '--client-metadata-url', url],
      env: { ...workplace.env, MCP_REMOTE_CONFIG_DIR: join(workplace.folder, 'kept') },
      stderr: 'ignore',
    })
    open.push(transport)
    const client = new Client({ name: 'a host', version: '1.0.0' })
    const connecting = client.connect(transport)
    await allow(await workplace.opened())
    await connecting
    expect(JSON.stringify(await client.callTool({ name: 'whoami', arguments: {} }))).toContain('octocat')
    expectDocument(served)
  })

  it('the Inspector 2.12 CLI', { timeout: 60_000 }, async () => {
    const served = await server()
    const workplace = await openWorkplace({ MCP_AUTO_OPEN_ENABLED: 'true', MCP_INSPECTOR_SECRET_STORE: 'file' })
    open.push(workplace)
    const launcher = join(
      dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector/package.json')),
      'clients/launcher/build/index.js',
    )
    const start = [launcher, '--cli', '--server-url', served.mcpUrl, '--transport', 'http', '--client-metadata-url', url]
    const ended = workplace.run([...start, '--callback-url', 'http://127.0.0.1:0/oauth/callback', '--method', 'tools/list'])
    await allow(await workplace.opened())
    expect(await ended).toMatchObject({ code: 0, stdout: expect.stringContaining('whoami') })
    expectDocument(served)
  })
})
