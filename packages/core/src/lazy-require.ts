import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Loads a dependency when it is first needed, synchronously from both ESM and CJS, so that importing us stays cheap. */
export function lazyRequire<Module>(name: string): Module {
  return require(name) as Module
}
