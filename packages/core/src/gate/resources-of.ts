import type { Resource } from '../protocol/public-url.ts'

/** The resources whose tokens are good for a request, and the addresses that a proof with them may name. */
export interface RequestResources {
  readonly resources: readonly [Resource, ...Resource[]]
  readonly urls: readonly string[]
}

/**
 * Of the resources a request may be for, the one whose path it has, or all when it has none of them. The address that a proof has
 * to name (RFC 9449 §4.3) is a resource's, or the path asked for at our origin as configured: it can have one slash more, or be a tool's own.
 */
export function resourcesOf(request: Request, [first, ...others]: readonly [Resource, ...Resource[]], origin: string): RequestResources {
  const { pathname } = new URL(request.url)
  const path = pathname.replace(/\/$/, '')
  const meant = [first, ...others].find((resource) => resource.path === path)
  const resources: RequestResources['resources'] = meant ? [meant] : [first, ...others]
  return { resources, urls: [...resources.map((resource) => resource.uri), `${origin}${pathname}`] }
}
