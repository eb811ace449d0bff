import { html } from 'hono/html'
import { type Html, page } from '../http/page.ts'
import { formatUserCode } from '../protocol/device-code.ts'
import { isLoopbackUri, redirectDestination } from '../protocol/redirect-uri.ts'
import { offlineAccess } from '../protocol/scope.ts'
import type { Client } from '../records/client.ts'
import type { AuthorizationRequest } from '../records/transaction.ts'

/** What the consent page shows and posts. */
export interface ConsentPageParts {
  readonly request: AuthorizationRequest
  readonly client: Client
  readonly serverName: string
  readonly upstreamName: string
  readonly sealedRequest: string
  /** Where the form goes: a path of ours. */
  readonly action: string
  /** What the device shows that asks; undefined when the answer goes to a redirect URI of the client's. */
  readonly userCode: string | undefined
}

/**
 * The question: may this client act for you? It shows what the client says of itself and, larger, what it cannot lie about:
 * where the answer will be sent (MCP, client security; threat T37). Both answers are buttons of the same size.
 */
export function consentPage({ request, client, serverName, upstreamName, sealedRequest, action, userCode }: ConsentPageParts): Html {
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
<p class="quiet">The application chose its own name; nobody has checked it. If you allow it, you sign in with ${upstreamName} next.</p>
<form method="post" action="${action}">
<input type="hidden" name="request" value="${sealedRequest}">
<div class="choices">
<button type="submit" name="decision" value="deny">Deny</button>
<button type="submit" name="decision" value="approve" class="go">Allow</button>
</div>
</form>`,
  )
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
