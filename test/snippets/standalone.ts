//#region standalone
import { serve } from '@drawbridge/core/node'
import { auth } from './auth.ts'

const answer = async (request: Request): Promise<Response> => (await auth.fetch(request)) ?? new Response('Not found', { status: 404 })
await serve({ fetch: answer }, { port: 8000, closing: () => auth.close() })
//#endregion
