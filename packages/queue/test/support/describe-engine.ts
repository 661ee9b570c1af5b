/** Describes tests that need an engine; skips them with a visible line if it cannot run here. */
export function describeEngine(name: string, missing: string | undefined, tests: () => void): void {
  if (missing === undefined) {
    describe(name, tests)
    return
  }
  process.stderr.write(`*** Skipped: ${name}. ${missing}.\n`)
  describe.skip(name, tests)
}
