/**
 * Calls `seen` with the arguments of each call of a method, by an own property of this one object. Arguments, result and exceptions stay
 * those of the method, which runs first unless `seen` needs the state before.
 */
export function watchMethod<Target extends object>(
  target: Target,
  name: string,
  seen: (args: unknown[]) => void,
  when: 'before' | 'after' = 'before',
): void {
  const methods = target as Record<string, unknown>
  const original = methods[name]
  if (typeof original !== 'function') return
  methods[name] = function watched(this: unknown, ...args: unknown[]): unknown {
    if (when === 'before') seen(args)
    const result: unknown = original.apply(this, args)
    if (when === 'after') seen(args)
    return result
  }
}
