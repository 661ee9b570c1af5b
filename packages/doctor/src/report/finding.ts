/** What a check found. */
export interface Finding {
  /** The check, such as `keys`. */
  readonly check: string
  readonly status: 'ok' | 'warning' | 'error' | 'skipped'
  readonly message: string
  /** What to do about it. */
  readonly remedy?: string
}

/** Everything that a diagnosis found. */
export interface Diagnosis {
  /** True if no finding is an error. */
  readonly healthy: boolean
  readonly findings: readonly Finding[]
}

/** Creates findings of one check. */
export function findingsOf(
  check: string,
): Record<'ok' | 'skipped', (message: string) => Finding> &
  Record<'warning' | 'error', (message: string, remedy: string) => Finding> {
  return {
    ok: message => ({ check, status: 'ok', message }),
    skipped: message => ({ check, status: 'skipped', message }),
    warning: (message, remedy) => ({ check, status: 'warning', message, remedy }),
    error: (message, remedy) => ({ check, status: 'error', message, remedy }),
  }
}
