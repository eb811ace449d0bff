import type { House } from './house.ts'

/** Answers a call to the upstream in its place, or lets it through with `go`. */
export type Detour = (request: Request, go: () => Promise<Response>) => Promise<Response>

/** Puts a detour between the server and its upstream, for what the stand-in cannot do. Answers the way back. */
export function detour(house: House, around: Detour): () => void {
  const { environment } = house
  const straight = environment.fetch
  Object.assign(environment, {
    fetch: (url: string | URL, init?: RequestInit) => around(new Request(url, init), () => straight(url, init)),
  })
  return () => {
    Object.assign(environment, { fetch: straight })
  }
}
