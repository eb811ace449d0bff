import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

// What docs/providers/README.md says of each provider is what its test describes, and every provider has a page.

it('the tables of docs/providers are those that the tests of the providers describe', () => {
  const script = fileURLToPath(new URL('../scripts/provider-table.mjs', import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, ['--no-warnings', script, '--check'], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})
