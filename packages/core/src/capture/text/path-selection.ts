type Step = string | number | typeof EACH

const EACH = Symbol('each')
const PATH = /^(?:[^.[\]]+|\[(?:-?\d+|\*)\])(?:\.[^.[\]]+|\[(?:-?\d+|\*)\])*$/

/** Whether it is a path such as `messages[-1].content` or `items[*].name`. */
export function isPath(path: unknown): path is string {
  return typeof path === 'string' && PATH.test(path)
}

/** Compiles paths: what one leads to, or, of several, an object of those that lead anywhere; undefined where none does. */
export function compileSelection(paths: readonly string[]): (value: unknown) => unknown {
  const compiled = paths.map(path => [path, stepsOf(path)] as const)
  const [only] = compiled
  if (compiled.length === 1 && only !== undefined) return value => follow(value, only[1])
  return value => {
    const found = compiled
      .map(([path, steps]) => [path, follow(value, steps)] as const)
      .filter(([, one]) => one !== undefined)
    return found.length === 0 ? undefined : Object.fromEntries(found)
  }
}

function stepsOf(path: string): Step[] {
  return [...path.matchAll(/\[(-?\d+|\*)\]|[^.[\]]+/g)].map(([name, index]) =>
    index === undefined ? name : index === '*' ? EACH : Number(index),
  )
}

function follow(value: unknown, steps: readonly Step[]): unknown {
  let current = value
  for (const [index, step] of steps.entries()) {
    if (typeof current !== 'object' || current === null) return undefined
    if (typeof step !== 'string' && !Array.isArray(current)) return undefined
    if (step === EACH) return (current as unknown[]).map(item => follow(item, steps.slice(index + 1)))
    // Own members only: a path from a stranger's body must not reach a prototype.
    if (typeof step === 'number') current = (current as unknown[]).at(step)
    else current = Object.hasOwn(current, step) ? (current as Record<string, unknown>)[step] : undefined
  }
  return current
}
