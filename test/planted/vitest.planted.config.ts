import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import suite from '../../vitest.config.ts'

const { projects, ...settings } = suite.test ?? {}

/** The suite's own settings, over what must make a run fail. */
export default defineConfig({ test: { ...settings, root: fileURLToPath(new URL('.', import.meta.url)), include: ['*.planted.ts'] } })
