import { html } from 'hono/html'
import { type Html, page } from '../http/page.ts'

/** What the page for a code shows and posts. */
export interface CodePageParts {
  readonly serverName: string
  /** What the field holds already, as it was typed or linked. */
  readonly typed: string
  /** Binds the form to the browser. */
  readonly formToken: string
  /** Where the form goes: a path of ours. */
  readonly action: string
  /** Whether the code before this one was not good. */
  readonly wasUnknown: boolean
}

/**
 * Asks for the code that a device shows (RFC 8628 §3.3). A link can fill it in, and cannot send it: the person compares it with
 * the device first (§3.3.1, §5.4).
 */
export function codePage({ serverName, typed, formToken, action, wasUnknown }: CodePageParts): Html {
  return page(
    'Connect a device',
    html`<h1>Connect a device to ${serverName}</h1>
${wasUnknown ? html`<p class="note" role="alert">This code is not known here, or no longer. Look at your device again.</p>` : ''}
<form method="post" action="${action}">
<input type="hidden" name="form" value="${formToken}">
<p><label for="user_code">The code that your device shows</label>
<input class="code" id="user_code" name="user_code" value="${typed}" required autofocus maxlength="20" autocomplete="off" autocapitalize="characters" spellcheck="false" placeholder="XXXX-XXXX"></p>
<p class="note">Go on only if you started this yourself, just now, and the code is on a device in front of you. Nobody who helps you needs a code from you.</p>
<div class="choices">
<button type="submit" class="go">Go on</button>
</div>
</form>`,
  )
}

/** Where it ends, in the browser; the device goes on by itself. */
export function donePage(isApproved: boolean): Html {
  return isApproved
    ? page(
        'Go back to your device',
        html`<h1>Go back to your device</h1>
<p>It has access now, and goes on by itself in a moment. You can close this page.</p>`,
      )
    : page(
        'Nothing was granted',
        html`<h1>Nothing was granted</h1>
<p>The device has no access, and is told so. You can close this page.</p>`,
      )
}
