// A Jest reporter: says in one line, at the end of a run, which tests were skipped and why. The reason is in the title: `[skipped: reason]`.
import { relative } from 'node:path'

const REASON = /\[skipped: (.+?)\]/

export default class SkippedTestsReporter {
  /** @param {{ rootDir: string }} config */
  constructor({ rootDir }) {
    this.rootDir = rootDir
  }

  onRunComplete(_contexts, { testResults }) {
    const line = skippedTests(testResults, this.rootDir)
    // Jest appends its summary to the reporters, so it is printed after this call.
    if (line !== undefined) setImmediate(() => process.stderr.write(`${line}\n`))
  }
}

/** The line; undefined if nothing was skipped. Tests that `-t` or `.only` left out have no reason, and are not in it. */
function skippedTests(testResults, rootDir) {
  const counts = new Map()
  for (const { testFilePath, testResults: tests } of testResults) {
    for (const { status, fullName } of tests) {
      const reason = status === 'pending' && REASON.exec(fullName)?.[1]
      if (!reason) continue
      const what = `of ${relative(rootDir, testFilePath)} (${reason})`
      counts.set(what, (counts.get(what) ?? 0) + 1)
    }
  }
  if (counts.size === 0) return undefined
  const parts = [...counts].map(([what, count]) => `${count} ${count === 1 ? 'test' : 'tests'} ${what}`)
  return `Skipped: ${parts.join('; ')}`
}
