import { html } from 'hono/html'
import { type Html, page } from '../http/page.ts'
import { formatUserCode } from '../protocol/device-code.ts'
import { isLoopbackUri, redirectDestination } from '../protocol/redirect-uri.ts'
import { offlineAccess } from '../protocol/scope.ts'
import type { Client } from '../records/client.ts'
import type { AuthorizationRequest } from '../records/transaction.ts'
import type { ListedUpstream } from '../upstream/upstreams.ts'

/** What both pages show and post. */
export interface ChoicePageParts {
  readonly serverName: string
  /** With whom the person can sign in, in the order of the options. */
  readonly upstreams: readonly [Choice, ...Choice[]]
  readonly sealedRequest: string
  /** Where the form goes: a path of ours. */
  readonly action: string
}

/** An upstream, as people know it. */
type Choice = Pick<ListedUpstream, 'provider' | 'name'>

/** What the consent page shows and posts. */
export interface ConsentPageParts extends ChoicePageParts {
  readonly request: AuthorizationRequest
  readonly client: Client
  /** What the device shows that asks; undefined when the answer goes to a redirect URI of the client's. */
  readonly userCode: string | undefined
}

/**
 * The question: may this client act for you? It shows what the client says of itself and, larger, what it cannot lie about:
 * where the answer will be sent (MCP, client security; threat T37). Both answers are buttons of the same size; with several upstreams there is a yes for each, as wide as the no.
 */
export function consentPage({ request, client, userCode, ...choice }: ConsentPageParts): Html {
  const { serverName, upstreams } = choice
  const name = client.clientName ?? 'An application without a name'
  return page(
    `${name} asks for access`,
    html`<h1>${name} asks for access to ${serverName}</h1>
<dl>
${
  client.document
    ? html`<dt>It is described by</dt>
<dd class="destination">${new URL(client.id).host}</dd>
<dt>In full</dt>
<dd>${client.id}</dd>
`
    : ''
}${userCode === undefined ? redirectTarget(request.redirectUri) : deviceTarget(userCode)}
<dt>It asks for</dt>
<dd>${request.scopes.length > 0 ? html`<ul>${request.scopes.map((scope) => html`<li>${wordsFor(scope)}</li>`)}</ul>` : 'your identity, and nothing more'}</dd>
<dt>At</dt>
<dd>${request.resource}</dd>
</dl>
${noteOn(request.redirectUri, userCode)}
<p class="quiet">The application chose its own name; nobody has checked it. If you allow it, ${
      upstreams.length === 1 ? html`you sign in with ${upstreams[0].name} next` : 'choose with whom you sign in'
    }.</p>
${formOf(choice, upstreams.length === 1 ? yesOrNo : html`${upstreams.map(buttonOf)}${no}`)}`,
  )
}

/** Where nobody is asked about a client, and has to say with whom to sign in: the buttons alone. */
export function choicePage(choice: ChoicePageParts): Html {
  const title = `Sign in to ${choice.serverName}`
  return page(
    title,
    html`<h1>${title}</h1>
<p>Choose with whom you sign in.</p>
${formOf(choice, html`${choice.upstreams.map(buttonOf)}`)}`,
  )
}

function formOf({ upstreams, sealedRequest, action }: ChoicePageParts, buttons: Html): Html {
  return html`<form method="post" action="${action}">
<input type="hidden" name="request" value="${sealedRequest}">
<div class="${upstreams.length === 1 ? 'choices' : 'choices listed'}">
${buttons}</div>
</form>`
}

const no = html`<button type="submit" name="decision" value="deny">Deny</button>
`
const yesOrNo = html`${no}<button type="submit" name="decision" value="approve" class="go">Allow</button>
`

function buttonOf({ provider, name }: Choice): Html {
  return html`<button type="submit" name="provider" value="${provider}" class="go">Continue with ${name}</button>
`
}

// The one scope that is ours and not the operator's, so the only one we know words for.
function wordsFor(scope: string): string {
  return scope === offlineAccess ? 'to stay signed in while you are away' : scope
}

function redirectTarget(redirectUri: string): Html {
  return html`<dt>The answer is sent to</dt>
<dd class="destination">${redirectDestination(redirectUri)}</dd>
<dt>In full</dt>
<dd>${redirectUri}</dd>`
}

function deviceTarget(userCode: string): Html {
  return html`<dt>Access goes to the device that shows</dt>
<dd class="destination">${formatUserCode(userCode)}</dd>`
}

// Whoever sends somebody a code, or a link with one in it, gets what that person grants (RFC 8628 §5.4).
function noteOn(redirectUri: string, userCode: string | undefined): Html | '' {
  if (userCode !== undefined)
    return html`<p class="note warning">Allow this only if you started it on a device of yours, just now, and that device shows this code. If somebody sent you the code or a link, they get access in your name: press Deny.</p>`
  return isLoopbackUri(redirectUri)
    ? html`<p class="note">The answer goes to a program on this computer. Go on only if you started it yourself, just now.</p>`
    : ''
}
