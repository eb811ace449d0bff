import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

const project = (name: string, root: string, include: string): TestProjectInlineConfiguration => ({
  extends: true,
  test: { name, root, include: [include] },
})

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    globals: false,
    allowOnly: false,
    passWithNoTests: false,
    // A rejection that nobody handles fails the run: work beside a request must report its own failures.
    dangerouslyIgnoreUnhandledErrors: false,
    testTimeout: 20_000,
    // Tests that run side by side mostly wait, for a store's clock.
    maxConcurrency: 12,
    hookTimeout: 20_000,
    projects: [
      project('core', 'packages/core', 'src/**/*.test.ts'),
      project('storage', 'packages/storage', 'src/**/*.test.ts'),
      project('providers', 'packages/providers', 'src/**/*.test.ts'),
      project('quickstart', 'examples/quickstart', 'src/**/*.test.ts'),
      project('test', 'test', '**/*.test.ts'),
    ],
  },
})
