/**
 * Where a request or response keeps the trace that its stand-ins act for. One property for all of them, and functions that all requests
 * share: on Node 20 and 22 each property that Express's requests get takes 1.7 us, because their prototype was changed; and a closure as a
 * property keeps finished requests alive until the next full collection (Node 24: scavenges of 20 ms instead of 1).
 */
export const kTrace: unique symbol = Symbol.for('langfuse-middleware.request.1') as never

/** A request or response that has a trace. */
export interface Bound<Trace> {
  [kTrace]?: Trace
}

/** The method that `own` stands in for on `target`. An object made by `Object.create(request)` inherits `own` itself. */
export function inherited(target: object, method: string, own: unknown): unknown {
  let at: object | null = Object.getPrototypeOf(target)
  while (at !== null && (at as Record<string, unknown>)[method] === own) at = Object.getPrototypeOf(at)
  return at === null ? undefined : (at as Record<string, unknown>)[method]
}
