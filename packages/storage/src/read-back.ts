import { type Entry, StoreUnavailable } from '@drawbridge/core'

/** The store is unavailable, and it is certain that it executed nothing: there is no outcome to read back. */
export class NothingExecuted extends StoreUnavailable {}

/** A conditional write whose outcome can stay unknown. */
export interface UncertainWrite {
  /** Writes, once; true when it won. Rejects with `StoreUnavailable` when nobody knows. */
  write(): Promise<boolean>
  /** The entry that is there now. */
  read(): Promise<Entry | undefined>
  /** The version that this write gives; undefined when it deletes. */
  readonly version: string | undefined
  readonly seen: Entry | undefined
}

/**
 * Settles a write whose outcome is unknown by what is there: its own version is a win; what it had seen means that it was not
 * executed, so it goes out again with the same version, and is looked for once more when it loses: what it lost to may be the
 * first one, which was late; anything else is lost. A deletion that finds nothing is lost too, since another one may have been
 * faster, and only one may win. Rejects with `StoreUnavailable` when the store does not answer.
 */
export async function settleWrite({ write, read, version, seen }: UncertainWrite): Promise<boolean> {
  try {
    return await write()
  } catch (cause) {
    if (!(cause instanceof StoreUnavailable) || cause instanceof NothingExecuted) throw cause
    const found = await read()
    if (isOwn(found, version)) return true
    return found?.version === seen?.version && ((await write()) || isOwn(await read(), version))
  }
}

function isOwn(found: Entry | undefined, version: string | undefined): boolean {
  return found !== undefined && found.version === version
}
