import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

const project = (name: string): TestProjectInlineConfiguration => ({
  extends: true,
  test: { name, root: 'test', include: [`chaos/**/*.${name}.ts`] },
})

/** What breaks things for longer than `npm test` may take. Most of it waits most of the time, so two files run side by side. */
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    allowOnly: false,
    passWithNoTests: false,
    dangerouslyIgnoreUnhandledErrors: false,
    testTimeout: 900_000,
    hookTimeout: 120_000,
    projects: [project('chaos'), project('soak')],
  },
})
