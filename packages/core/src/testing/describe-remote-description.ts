import type { Environment, McpAuth, RemoteServerOptions } from '../index.ts'

/** A provider on `RemoteAuthProvider`, as its tests see it. Everything in it is a literal, out of the issuer's public documentation. */
export interface RemoteProviderDescription {
  readonly name: string
  /** Makes it, for a server at `https://mcp.example.com` with the MCP path `/mcp`. */
  create(options: RemoteServerOptions, environment: Environment): McpAuth
  /** What the metadata of the resource names. */
  readonly authorizationServers: readonly string[]
  readonly token: TokenOfIssuer
  /** Who calls with that token. */
  readonly who: { readonly subject: string; readonly clientId: string; readonly scopes: readonly string[] }
  /** What the issuer signs or tells for somebody else, or for another purpose: an ID token, a session of its own pages, a token for another API. */
  readonly foreign: readonly (TokenOfIssuer & { readonly name: string })[]
  /** How tokens are verified: by these keys, or by asking. */
  readonly by: IssuerKeysExample | IntrospectionExample
  /** The issuer's metadata, for `forwardMetadata`. */
  readonly metadata: DocumentExample
}

/** What a token says; moments are filled in. Of an issuer that is asked, its answer. */
export interface TokenOfIssuer {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/** Where the issuer's keys are. */
export interface IssuerKeysExample {
  readonly jwksUri: string
  /** The document that says so, where it is read. */
  readonly discovery?: DocumentExample
  /** Default: RS256. */
  readonly algorithm?: 'RS256' | 'ES256'
}

/** Where the issuer is asked, and how. */
export interface IntrospectionExample {
  readonly endpoint: string
  readonly authorization: string
}

/** A document at a URL. */
export interface DocumentExample {
  readonly url: string
  readonly document: Readonly<Record<string, unknown>>
}
