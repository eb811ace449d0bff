import { randomBytes } from 'node:crypto'
import { ConfigurationError, StoreUnavailable } from '@drawbridge/core'
import { serve } from '@drawbridge/core/node'
import { banner } from './banner.ts'
import type { GitHubSetting, Settings } from './config.ts'
import { eventLine } from './event-line.ts'
import { readSettings } from './read-settings.ts'
import { createQuickstart } from './server.ts'
import { type ServedStandIn, samplePeople, serveStandIn } from './stand-in/index.ts'

// The command `npm start`. It reads `.env` in the folder it is started in, and opens no browser.
try {
  await start()
} catch (error) {
  console.error(explain(error))
  // Not `exitCode`: a server that could not start may have left something open.
  process.exit(1)
}

async function start(): Promise<void> {
  const { settings, dotenv } = await readSettings('.env', process.env)
  const { github, standIn } = await openUpstream(settings)
  const { app, auth, close } = createQuickstart(settings, { github, onEvent: (event) => console.error(eventLine(event)) })
  await auth.ready().catch(waitForStore)
  const closing = async () => {
    await close()
    await standIn?.close()
  }
  await serve(app, { host: settings.host, port: settings.port, closing })
  const logins = samplePeople.map(({ login }) => login)
  console.log(`\n${banner({ settings, dotenv, ...(standIn && { standIn: { url: standIn.url, logins } }) })}`)
}

// A store that is away comes back, and until then every request is answered 503; what is wrong with the store does not pass.
function waitForStore(cause: unknown): void {
  if (!(cause instanceof StoreUnavailable)) throw cause
  console.error('The store cannot be reached. Until it can, requests are answered 503, and GET /ready says so.')
}

/** The registered app, or a stand-in with an app of this start's own. */
async function openUpstream(settings: Settings): Promise<{ github: GitHubSetting; standIn?: ServedStandIn }> {
  if (settings.github) return { github: settings.github }
  const credentials = { clientId: 'drawbridge-stand-in', clientSecret: randomBytes(24).toString('base64url') }
  const standIn = await serveStandIn({ ...credentials, callbackUrl: `${settings.baseUrl}/auth/callback` })
  return { github: { ...credentials, serverUrl: standIn.url }, standIn }
}

// What the operator can mend is told without a stack.
function explain(error: unknown): unknown {
  if (error instanceof ConfigurationError) return error.message
  if (!(error instanceof Error && 'code' in error && 'port' in error)) return error
  const another = `Take another one: PORT=${error.port === 8001 ? 8002 : 8001} npm start`
  if (error.code === 'EADDRINUSE') return `Port ${error.port} is taken by another program. ${another}`
  if (error.code === 'EACCES') return `Port ${error.port} is not open to this user. ${another}`
  if (error.code === 'EADDRNOTAVAIL') return `HOST does not name an address of this machine.`
  return error
}
