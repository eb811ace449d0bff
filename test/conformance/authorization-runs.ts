import { openBrowser } from '@drawbridge/quickstart/driver'
import { allow, deny } from '../mcp/person.ts'
import { freePort } from '../support/free-port.ts'
import type { Outcome, Run } from './outcome.ts'
import { listedClient, type ServedDrawbridge } from './served-drawbridge.ts'
import { type Check, runSuite } from './suite.ts'

/** The revisions that the suite knows. */
const revisions = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const
type Revision = (typeof revisions)[number]

/** How one run asks. */
interface Plan {
  readonly drawbridge: ServedDrawbridge
  readonly revision: Revision
  readonly clientId: string
  readonly withResource: boolean
}

/** Opens the authorization URL as a person would; answers where that led. */
type Person = (authorizationUrl: string) => Promise<{ readonly url: string }>

/** Every revision, with and without `resource`, for each server and each client; and the people who say no. */
export function authorizationRuns(servers: readonly ServedDrawbridge[], clientIds: readonly string[]): Run[] {
  const plans = servers.flatMap((drawbridge) =>
    clientIds.flatMap((clientId) =>
      revisions.flatMap((revision) => [true, false].map((withResource): Plan => ({ drawbridge, revision, clientId, withResource }))),
    ),
  )
  const [drawbridge] = servers
  const refused = drawbridge && { drawbridge, revision: '2026-07-28' as const, clientId: listedClient, withResource: true }
  return [
    ...plans.map((plan) => ({ name: nameOf(plan), make: () => loginRun(plan) })),
    ...(refused ? [refusalRun('a person who denies', refused, deny), refusalRun('an upstream that denies', refused, cancelUpstream)] : []),
  ]
}

function nameOf({ drawbridge, revision, clientId, withResource }: Plan): string {
  const issuer = new URL(drawbridge.issuer).pathname === '/' ? 'plain issuer' : 'path issuer'
  return `authorization ${revision}, ${issuer}, ${clientId === listedClient ? 'listed client' : 'document client'}, ${withResource ? 'with' : 'without'} resource`
}

/** Each check that the suite has for this revision succeeds, and there is no other. */
async function loginRun(plan: Plan): Promise<Outcome> {
  const checks = await runAuthorization(plan, allow)
  const expected = [
    'authorization-code-grant',
    'authorization-server-metadata',
    ...(hasDocuments(plan) ? ['authorization-server-metadata-cimd'] : []),
  ]
  const missing = expected.filter((id) => !checks.some((check) => check.id === id)).map((id) => `${id}: was not run`)
  const failed = checks.filter(({ id, status }) => status !== 'SUCCESS' || !expected.includes(id))
  return { name: nameOf(plan), passed: checks.length - failed.length, failures: [...missing, ...failed.map(tell)] }
}

// What the suite asks about client metadata documents it asks from this revision on.
function hasDocuments({ revision }: Plan): boolean {
  return revision >= '2025-11-25'
}

/** The suite calls a refusal a failure; it has to be told of it as `access_denied`, and by whom. */
function refusalRun(what: string, plan: Plan, person: Person): Run {
  const name = `authorization ${plan.revision}, ${what}`
  return {
    name,
    async make() {
      let arrived = new URLSearchParams()
      const checks = await runAuthorization(plan, async (url) => {
        const page = await person(url)
        arrived = new URL(page.url).searchParams
        return page
      })
      const grant = checks.find(({ id }) => id === 'authorization-code-grant')
      const isTold = grant?.status === 'FAILURE' && grant.errorMessage?.startsWith('Authorization error: access_denied')
      const isOurs = JSON.stringify(arrived.getAll('iss')) === JSON.stringify([plan.drawbridge.issuer])
      const failures = [
        ...(isTold ? [] : [`authorization-code-grant: ${grant?.status} ${grant?.errorMessage ?? ''}`]),
        ...(isOurs ? [] : [`iss: ${arrived.getAll('iss').join(' ') || 'missing'}`]),
      ]
      return { name, passed: 2 - failures.length, failures }
    },
  }
}

async function runAuthorization({ drawbridge, revision, clientId, withResource }: Plan, person: Person): Promise<Check[]> {
  const port = String(await freePort())
  const args = ['authorization', '--url', drawbridge.issuer, '--client-id', clientId, '--port', port, '--spec-version', revision]
  return runSuite([...args, ...(withResource ? ['--resource', drawbridge.mcpUrl] : [])], async (line) => {
    if (/^https?:\S+[?&]response_type=code/.test(line)) await person(line)
  })
}

/** Allows at our page, and thinks better of it at the upstream's. */
async function cancelUpstream(authorizationUrl: string): Promise<{ readonly url: string }> {
  const browser = openBrowser()
  return browser.press(await browser.press(await browser.open(authorizationUrl), 'Allow'), 'Cancel')
}

function tell({ id, status, errorMessage }: Check): string {
  return `${id}: ${status} ${errorMessage ?? ''}`.trimEnd()
}
