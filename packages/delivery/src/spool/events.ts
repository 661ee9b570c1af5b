/** Changes of the spool's state, for log lines. */
export interface SpoolEvents {
  spoolFailed(code: string): void
  spoolRecovered(): void
  adopted(spans: number): void
}
