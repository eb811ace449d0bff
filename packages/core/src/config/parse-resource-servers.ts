import { isSafe } from '../clients/static-client.ts'
import type { KnownResourceServer } from '../introspect/endpoint.ts'
import { hashSecret } from '../protocol/compare.ts'
import { canonicalResource } from '../protocol/resource.ts'
import type { ResourceServer } from './options.ts'

/** The resource servers elsewhere. */
export interface ResourceServers {
  readonly resourceServers: ReadonlyMap<string, KnownResourceServer>
}

/** Parses the resource servers of the options, beside our `own` resources; adds to `problems` what is wrong with them. */
export function parseResourceServers(
  listed: readonly ResourceServer[] = [],
  own: readonly { readonly uri: string }[],
  problems: string[],
): ResourceServers {
  const servers = Array.isArray(listed) ? listed : []
  if (servers !== listed) problems.push('verification.resourceServers is not a list')
  const named = (server: ResourceServer): string => `the resource server ${JSON.stringify(server.resource)}`
  for (const server of servers) problems.push(...refuseServer(server).map((why) => `${named(server)} ${why}`))
  const resources = [...new Set(own.map(({ uri }) => uri)), ...servers.map(({ resource }) => resource)]
  if (new Set(resources).size < resources.length) problems.push('verification.resourceServers lists a resource twice, or one of our own')
  if (new Set(servers.map(({ clientId }) => clientId)).size < servers.length)
    problems.push('verification.resourceServers lists a clientId twice')
  const known = servers.map(({ resource, clientId, clientSecret }): [string, KnownResourceServer] => [
    clientId,
    { resource, secretHash: hashSecret(String(clientSecret)) },
  ])
  return { resourceServers: new Map(known) }
}

function refuseServer({ resource, clientId, clientSecret }: ResourceServer): string[] {
  const problems: string[] = []
  // It goes into tokens and onto the consent page as it is written here, so that it can be written in one way only.
  if (!/^(https:\/\/|http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?(\/|$))/.test(resource) || canonicalResource(resource) !== resource)
    problems.push('is not a resource: an https URL in its normal form, without a fragment (http is accepted on loopback only)')
  if (!isSafe(clientId) || clientId.includes(':')) problems.push('has a clientId with a blank, : + % or other characters than ASCII')
  if (!isSafe(clientSecret) || clientSecret.length < 32)
    problems.push('has a clientSecret of less than 32 characters, or with a blank, + % or other characters than ASCII')
  return problems
}
