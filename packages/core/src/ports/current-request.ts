import { AsyncLocalStorage } from 'node:async_hooks'

/** Which request is at work, for whoever tells of something far below it and has no request in hand. */
export interface CurrentRequest {
  /** Its id; undefined for what no request asked for: the start, a rotation, `auth.revoke`. */
  id(): string | undefined
  /** Does `work` for the request of this id, and with it all that it starts, beside the request as well. An absent id leaves things as they are. */
  run<Result>(id: string | undefined, work: () => Result): Result
}

/** Made once for each server, so that two in one process never take each other's requests for their own. */
export function currentRequest(): CurrentRequest {
  const storage = new AsyncLocalStorage<string>()
  return {
    id: () => storage.getStore(),
    run: (id, work) => (id === undefined ? work() : storage.run(id, work)),
  }
}
