import { serve } from '@drawbridge/core/node'
import { parseSettings } from './config.ts'
import { parseDotenv } from './dotenv.ts'
import { freePort } from './free-port.ts'
import { makeKeyLines } from './keys.ts'
import { createQuickstart } from './server.ts'
import { serveStandIn } from './stand-in/index.ts'

/** A quickstart for the time of a demo. */
export interface DemoServer {
  readonly mcpUrl: string
  readonly standInUrl: string
  close(): Promise<void>
}

/** Serves the quickstart and a stand-in on free loopback ports, with fresh keys and everything in memory. */
export async function serveDemo(): Promise<DemoServer> {
  const keys = parseDotenv(makeKeyLines(['JWT_SIGNING_KEY', 'STORAGE_ENCRYPTION_KEY']))
  const settings = parseSettings({ ...keys, PORT: String(await freePort()), STORAGE_URL: 'memory:' })
  const credentials = { clientId: 'demo', clientSecret: 'demo' }
  const standIn = await serveStandIn({ ...credentials, callbackUrl: `${settings.baseUrl}/auth/callback` })
  const { app, close } = createQuickstart(settings, { github: { ...credentials, serverUrl: standIn.url } })
  const served = await serve(app, { host: settings.host, port: settings.port, print: () => {}, closing: close })
  return {
    mcpUrl: `${settings.baseUrl}${settings.mcpPath}`,
    standInUrl: standIn.url,
    async close() {
      await served.close()
      await standIn.close()
    },
  }
}
