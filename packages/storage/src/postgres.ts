export type { PostgresSetting } from './postgres-examination.ts'
export { type PostgresStore, type PostgresStoreOptions, postgresStore } from './postgres-store.ts'
export type { PostgresClient, PostgresOptions, PostgresPool, PostgresStatement, PostgresTarget } from './postgres-target.ts'
