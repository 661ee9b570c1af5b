/** Process-wide state, one for all copies of this package; created on first use. */
export function shared<T>(name: string, create: () => T): T {
  const registry = globalThis as Record<symbol, unknown>
  const key = Symbol.for(`langfuse-middleware.${name}`)
  registry[key] ??= create()
  return registry[key] as T
}
