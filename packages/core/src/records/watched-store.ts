import type { Directory } from '../ports/directory.ts'
import type { Store } from '../ports/store.ts'
import type { Telemetry } from '../ports/telemetry.ts'

/** A store, each of whose calls is watched; whatever else it has, this one has too. */
export function watchedStore(store: Store, telemetry: Telemetry): Store {
  const watch: Watch = (method, key, call) => telemetry.during({ is: 'store', method, kind: kindOf(key) }, call)
  const { directory } = store
  const watched: Partial<Store> = {
    get: (key) => watch('get', key, () => store.get(key)),
    set: (...call) => watch('set', call[0], () => store.set(...call)),
    delete: (...call) => watch('delete', call[0], () => store.delete(...call)),
    ...(directory && { directory: watchedDirectory(directory, watch) }),
  }
  // Behind an object of ours: what is frozen has to be handed out as it is.
  return new Proxy<Store>(Object.create(store), {
    get(_, name) {
      if (Object.hasOwn(watched, name)) return Reflect.get(watched, name)
      // A store that is a class finds its own members by `this`.
      const own: unknown = Reflect.get(store, name, store)
      return typeof own === 'function' ? own.bind(store) : own
    },
  })
}

type Watch = <Result>(method: string, key: string, call: () => Promise<Result>) => Promise<Result>

function watchedDirectory(directory: Directory, watch: Watch): Directory {
  return {
    add: (...call) => watch('add', call[0], () => directory.add(...call)),
    list: (...call) => watch('list', call[0], () => directory.list(...call)),
    remove: (...call) => watch('remove', call[0], () => directory.remove(...call)),
  }
}

/** The kind in the name of a record or a list: `{namespace}:{kind}:{hash}`. */
function kindOf(key: string): string {
  return key.split(':')[1] ?? ''
}
