// Runs the official conformance suite against servers of ours. The last line is `N checks passed, N failed`.
import { build, run } from './run.mjs'

build()
// Types are stripped without being asked from Node 22.18 on.
process.exitCode = run('node', ['--experimental-strip-types', '--no-warnings', 'test/conformance/main.ts'])
