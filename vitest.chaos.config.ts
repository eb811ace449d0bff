import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

const project = (name: string): TestProjectInlineConfiguration => ({
  extends: true,
  test: { name, root: 'test', include: [`chaos/**/*.${name}.ts`] },
})

/** What breaks things for longer than `npm test` may take: one after the other, so that what is measured is not in the way of itself. */
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    allowOnly: false,
    passWithNoTests: false,
    dangerouslyIgnoreUnhandledErrors: false,
    testTimeout: 900_000,
    hookTimeout: 120_000,
    projects: [project('chaos'), project('soak')],
  },
})
