export { type FixedEnvironment, fixedEnvironment } from './fixed-environment.ts'
