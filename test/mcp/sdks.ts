import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
  UnauthorizedError as UnauthorizedV2,
} from '@modelcontextprotocol/client'
import { UnauthorizedError as Unauthorized132 } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as Client132 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport132 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { UnauthorizedError as Unauthorized120 } from 'sdk-v1-20/client/auth.js'
import { Client as Client120 } from 'sdk-v1-20/client/index.js'
import { StreamableHTTPClientTransport as Transport120 } from 'sdk-v1-20/client/streamableHttp.js'
import { UnauthorizedError as Unauthorized129 } from 'sdk-v1-29/client/auth.js'
import { Client as Client129 } from 'sdk-v1-29/client/index.js'
import { StreamableHTTPClientTransport as Transport129 } from 'sdk-v1-29/client/streamableHttp.js'
import { z } from 'zod'
import type { ClientMemory } from '../../examples/quickstart/src/client-memory.ts'

/** A client of one SDK, for one server. */
export interface SdkClient {
  connect(): Promise<void>
  /** Hands over what came back to the redirect URI. */
  finishAuth(answer: URLSearchParams): Promise<void>
  /** Calls a tool; answers its text. */
  call(tool: string): Promise<string>
  close(): Promise<void>
}

/** A release of the official SDK. */
export interface Sdk {
  readonly name: string
  /** What it throws when a person has to log in. */
  readonly Unauthorized: new () => Error
  open(mcpUrl: string, memory: ClientMemory): SdkClient
}

const implementation = { name: 'a test', version: '1.0.0' }
const resultShape = z.object({ content: z.tuple([z.object({ text: z.string() })]), isError: z.literal(false).optional() })

/** The part of a client that all releases have. */
interface Caller {
  callTool(call: { name: string; arguments: Record<string, never> }): Promise<unknown>
  close(): Promise<void>
}

function sdkClient(client: Caller, parts: Pick<SdkClient, 'connect' | 'finishAuth'>): SdkClient {
  return {
    ...parts,
    call: async (tool) => resultShape.parse(await client.callTool({ name: tool, arguments: {} })).content[0].text,
    close: () => client.close(),
  }
}

/** The part of a transport that clients and transports of one release agree on under our compiler options. */
interface Startable {
  start(): Promise<void>
}

/** A release of version 1, whose transport wants the code alone and looks at nothing else. */
interface ReleaseV1 {
  readonly name: string
  readonly Unauthorized: new () => Error
  readonly Client: new (self: typeof implementation) => Caller & { connect(transport: Startable): Promise<void> }
  readonly Transport: new (url: URL, options: { authProvider: ClientMemory }) => Startable & { finishAuth(code: string): Promise<void> }
}

function sdkV1({ name, Unauthorized, Client, Transport }: ReleaseV1): Sdk {
  return {
    name: `SDK v1 ${name}`,
    Unauthorized,
    open(mcpUrl, memory) {
      const client = new Client(implementation)
      const transport = new Transport(new URL(mcpUrl), { authProvider: memory })
      return sdkClient(client, {
        connect: () => client.connect(transport),
        finishAuth: (answer) => transport.finishAuth(answer.get('code') ?? ''),
      })
    },
  }
}

const sdkV2: Sdk = {
  name: 'SDK v2 2.4.0',
  Unauthorized: UnauthorizedV2,
  open(mcpUrl, memory) {
    const client = new ClientV2(implementation)
    const transport = new TransportV2(new URL(mcpUrl), { authProvider: memory })
    return sdkClient(client, {
      connect: () => client.connect(transport),
      finishAuth: (answer) => transport.finishAuth(answer),
    })
  },
}

/** The releases that people run: those of version 1 from the oldest with protected resource metadata on, and version 2. */
export const sdks = {
  v120: sdkV1({ name: '1.20.2', Client: Client120, Transport: Transport120, Unauthorized: Unauthorized120 }),
  v129: sdkV1({ name: '1.29.0', Client: Client129, Transport: Transport129, Unauthorized: Unauthorized129 }),
  v132: sdkV1({ name: '1.32.2', Client: Client132, Transport: Transport132, Unauthorized: Unauthorized132 }),
  v2: sdkV2,
} as const
