import { accessDenied } from '../protocol/errors.ts'

/** Refuses a form that a browser has told us is from elsewhere (threat T5); what binds it to the browser decides. An origin of `null` happens honestly. */
export function refuseForeignForm(request: Request, origin: string): void {
  const site = request.headers.get('sec-fetch-site')
  const from = request.headers.get('origin')
  if (site === 'cross-site' || site === 'same-site' || (from !== null && from !== 'null' && from !== origin)) {
    throw accessDenied('This answer was sent by another site.', 'form_from_elsewhere')
  }
}
