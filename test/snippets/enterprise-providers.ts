import { CognitoProvider } from '@drawbridge/providers/cognito'
import { OciProvider } from '@drawbridge/providers/oci'
import { SalesforceProvider } from '@drawbridge/providers/salesforce'
import { memoryStore } from '@drawbridge/storage'

const { CLIENT_ID = 'an-id', CLIENT_SECRET = 'a-secret', JWT_SIGNING_KEY = 'a-signing-key-0123456789-abcdefghijklmnop' } = process.env
const own = { baseUrl: 'https://mcp.example.com', jwtSigningKey: JWT_SIGNING_KEY, clientStorage: memoryStore() }

//#region cognito
export const withCognito = new CognitoProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  userPoolId: 'eu-central-1_Abc123xyz',
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
})
//#endregion
//#region oci
export const withOci = new OciProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  domainUrl: 'https://idcs-0123456789abcdef0123456789abcdef.identity.oraclecloud.com',
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
})
//#endregion
//#region salesforce
export const withSalesforce = new SalesforceProvider({
  ...own, // baseUrl, jwtSigningKey, clientStorage
  serverUrl: 'https://example.my.salesforce.com',
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
})
//#endregion
