import { HuggingFaceProvider } from '@drawbridge/providers/huggingface'
import { memoryStore } from '@drawbridge/storage'

const { CLIENT_ID = 'an-id', CLIENT_SECRET = 'a-secret', JWT_SIGNING_KEY = 'a-signing-key-0123456789-abcdefghijklmnop' } = process.env
const own = { baseUrl: 'https://mcp.example.com', jwtSigningKey: JWT_SIGNING_KEY, clientStorage: memoryStore() }

//#region auth
export const auth = new HuggingFaceProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  upstream: {
    // The organisation that the person is asked to grant access to, and has to be in.
    authorizeParameters: { orgIds: '5e67bd5b1009063689407478' },
    authorizeUser: (_, upstream) =>
      [upstream?.said.orgs].flat().some((org) => org instanceof Object && 'sub' in org && org.sub === '5e67bd5b1009063689407478'),
  },
})
//#endregion
