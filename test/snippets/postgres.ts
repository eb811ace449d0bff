//#region postgres
import { encrypted, fernet } from '@drawbridge/storage'
import { postgresStore } from '@drawbridge/storage/postgres'

const { DATABASE_URL = 'postgres://localhost/auth', STORAGE_ENCRYPTION_KEY = '' } = process.env

export const postgres = postgresStore(DATABASE_URL)
/** For `clientStorage`. */
export const store = encrypted(postgres, fernet(STORAGE_ENCRYPTION_KEY))
//#endregion
