//#region contract
import { fixedEnvironment } from '@drawbridge/core/testing'
import { createFernetKey, encrypted, fernet, memoryStore } from '@drawbridge/storage'
import { directoryContract, storeContract } from '@drawbridge/storage/contract'
import { describe, it } from 'vitest'

const environment = fixedEnvironment()
const mine = memoryStore({ environment })
const sealed = encrypted(mine, fernet(createFernetKey(), { environment }), { environment })
const advance = async (seconds: number): Promise<void> => environment.advance(seconds)

describe.each([
  ['my store', mine],
  ['my store, sealed', sealed],
])('%s', (_, store) => {
  for (const { name, run } of storeContract) it(name, () => run({ store, advance }))
  for (const { name, run } of directoryContract) {
    it(`its directory ${name}`, async () => {
      if (!store.directory) throw new TypeError('this store has no directory')
      await run({ directory: store.directory, advance })
    })
  }
})
//#endregion
