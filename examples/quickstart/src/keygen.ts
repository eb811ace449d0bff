import { keyNames } from './config.ts'
import { makeKeyLines } from './keys.ts'

// The command `npm run keygen`: prints a new pair of keys, as lines for a `.env` or a secret store, and keeps nothing.
process.stdout.write(makeKeyLines(keyNames))
