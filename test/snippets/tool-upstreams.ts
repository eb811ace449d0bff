import type { AuthorizeUser } from '@drawbridge/core'
import { AsanaProvider, asana } from '@drawbridge/providers/asana'
import { AtlassianProvider } from '@drawbridge/providers/atlassian'
import { DropboxProvider } from '@drawbridge/providers/dropbox'
import { LinearProvider } from '@drawbridge/providers/linear'
import { LinkedInProvider } from '@drawbridge/providers/linkedin'
import { NotionProvider } from '@drawbridge/providers/notion'
import { OAuthProvider } from '@drawbridge/providers/oauth'
import { OidcProvider } from '@drawbridge/providers/oidc'
import { SlackProvider, signInWithSlack } from '@drawbridge/providers/slack'
import { SpotifyProvider } from '@drawbridge/providers/spotify'
import { TwitchProvider } from '@drawbridge/providers/twitch'
import { ZoomProvider, zoom } from '@drawbridge/providers/zoom'
import { memoryStore } from '@drawbridge/storage'

const { CLIENT_ID = 'an-id', CLIENT_SECRET = 'a-secret', JWT_SIGNING_KEY = 'a-signing-key-0123456789-abcdefghijklmnop' } = process.env
const own = { baseUrl: 'https://mcp.example.com', jwtSigningKey: JWT_SIGNING_KEY, clientStorage: memoryStore() }

//#region asana
export const withAsana = new AsanaProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  requiredScopes: ['users:read', 'tasks:read'],
  upstream: {
    // Only people of this workspace.
    authorizeUser: (_, upstream) =>
      [upstream?.said.workspaces].flat().some((one) => one instanceof Object && 'gid' in one && one.gid === '12345'),
  },
})
//#endregion
//#region asana-full-permissions
export const withAsanasFullPermissions = new OAuthProvider(
  { ...own, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
  { ...asana(), defaultScopes: ['default'], scopes: {} },
)
//#endregion
//#region site
/** Who has picked this site of Atlassian's. It is asked with the person's token, which needs a scope of one of its products. */
const ofTheSite: AuthorizeUser = async (_, upstream) => {
  const answer = await upstream?.fetch('https://api.atlassian.com/oauth/token/accessible-resources')
  if (!answer?.ok) throw new Error(`Atlassian answered ${answer?.status}`)
  const sites: { readonly url: string }[] = await answer.json()
  return sites.some(({ url }) => url === 'https://your-domain.atlassian.net')
}
//#endregion
//#region atlassian
export const withAtlassian = new AtlassianProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  requiredScopes: ['read:me', 'read:jira-work'],
  upstream: { authorizeUser: ofTheSite },
})
//#endregion
//#region dropbox
export const withDropbox = new DropboxProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  requiredScopes: ['account_info.read', 'files.metadata.read'],
  // Only people of this team.
  upstream: { authorizeUser: ({ claims }) => claims.team_id === 'dbtid:AAFdgehTzw7WlXhZJsbGCLePe8RvQGYDr-I' },
})
//#endregion
//#region linear
export const withLinear = new LinearProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  requiredScopes: ['read', 'comments:create'],
  // Only people of this workspace.
  upstream: { authorizeUser: ({ claims }) => claims.organization_url_key === 'example' },
})
//#endregion
//#region linkedin
export const withLinkedIn = new LinkedInProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
})
//#endregion
//#region notion
export const withNotion = new NotionProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  // Only people of this workspace.
  upstream: { authorizeUser: ({ claims }) => claims.workspace_id === '3c90c3cc-0d44-4b50-8888-8dd25736052a' },
})
//#endregion
//#region slack
export const withSlack = new SlackProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  requiredScopes: ['channels:history', 'search:read'],
  // Only people of this workspace.
  upstream: { authorizeUser: ({ claims }) => claims.team_id === 'T12345678' },
})
//#endregion
//#region slack-sign-in
export const withSignInWithSlack = new OidcProvider({ ...own, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET }, signInWithSlack())
//#endregion
//#region spotify
export const withSpotify = new SpotifyProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  requiredScopes: ['playlist-read-private'],
})
//#endregion
//#region twitch
export const withTwitch = new TwitchProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  requiredScopes: ['user:read:email', 'channel:read:subscriptions'],
})
//#endregion
//#region zoom
export const withZoom = new ZoomProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  requiredScopes: ['user:read:user', 'meeting:read:list_meetings'],
  // Only people of this account.
  upstream: { authorizeUser: ({ claims }) => claims.account_id === 'q6gBJVO5TzexKYTb_I2rpg' },
})
//#endregion
//#region zoom-classic
export const withZoomsClassicScopes = new OAuthProvider(
  { ...own, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
  { ...zoom(), defaultScopes: ['user:read'], scopes: { always: ['user:read'] } },
)
//#endregion
