//#region entra
import { EntraProvider } from '@drawbridge/providers/entra'
import { encrypted, fernet, sqliteStore } from '@drawbridge/storage'

const { BASE_URL = 'http://localhost:8000', ENTRA_CLIENT_ID = '', ENTRA_CLIENT_SECRET = '' } = process.env
const { JWT_SIGNING_KEY = '', STORAGE_ENCRYPTION_KEY = '' } = process.env

export const auth = new EntraProvider({
  baseUrl: BASE_URL,
  tenantId: '9122040d-6c67-4c5b-b112-36a304b66dad',
  clientId: ENTRA_CLIENT_ID,
  clientSecret: ENTRA_CLIENT_SECRET,
  jwtSigningKey: JWT_SIGNING_KEY.split(','),
  clientStorage: encrypted(sqliteStore('.data/drawbridge.db'), fernet(STORAGE_ENCRYPTION_KEY)),
})
//#endregion
