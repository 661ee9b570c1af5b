import { createRequire } from 'node:module'
import { isAbsolute, join } from 'node:path'

/**
 * `require` at run time, as this package has it, or as its dependency `user` has it. Bundlers don't follow it: for optional development
 * tools and for looking at what is installed. A bundle has no path of its own in some formats; it resolves from the working directory.
 */
export function requireFrom(user?: string): NodeJS.Require {
  const file = typeof __filename === 'string' && isAbsolute(__filename) ? __filename : undefined
  const require = createRequire(file ?? join(process.cwd(), 'index.js'))
  return user === undefined ? require : createRequire(require.resolve(user))
}

/** The loaded files whose path matches `pattern`, also those of CommonJS packages that ES modules import. */
export function loadedFiles(pattern: RegExp): string[] {
  // Runtimes other than Node.js have no module cache to look into.
  return Object.keys(requireFrom().cache ?? {}).filter(file => pattern.test(file))
}
