export interface BackoffOptions {
  /** Wait after the first failure. @default 500 */
  initialMs?: number
  /** Longest wait. @default 30000 */
  maxMs?: number
}

/** How long to wait after `failures` in a row: twice as long each time, and by chance between half of that and all of it. */
export function backoffMs(failures: number, options: Required<BackoffOptions>, random: () => number): number {
  const ceiling = Math.min(options.maxMs, options.initialMs * 2 ** Math.min(failures - 1, 30))
  return ceiling * (0.5 + random() / 2)
}
