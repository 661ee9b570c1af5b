import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Loads a dependency when it is first needed, synchronously from both ESM and CJS, so that importing us stays cheap. */
export function lazyRequire<Module>(name: string): Module {
  return require(name) as Module
}

/** `require` as our dependency `name` has it; as we have it where none is named. */
export function requireFrom(name: string | undefined): NodeJS.Require {
  return name === undefined ? require : createRequire(require.resolve(name))
}

/** The files loaded by now that match; also of ES modules, where what they import is CommonJS. */
export function loadedFiles(pattern: RegExp): string[] {
  // Other runtimes than Node have no cache to look into.
  return Object.keys(require.cache ?? {}).filter(file => pattern.test(file))
}
