import type { Diagnosis, Finding } from './finding.ts'

const MARKS: Readonly<Record<Finding['status'], string>> = { ok: '✓', warning: '!', error: '✗', skipped: '-' }

/** A diagnosis as text for a terminal. */
export function formatDiagnosis({ findings, healthy }: Diagnosis): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.flatMap(({ check, status, message, remedy }) => [
    `${MARKS[status]} ${check.padEnd(width)}  ${message}`,
    ...(remedy === undefined ? [] : [`  ${' '.repeat(width)}  → ${remedy}`]),
  ])
  const count = (status: Finding['status']) => findings.filter(finding => finding.status === status).length
  const sum = healthy
    ? `Nothing stops traces. ${count('warning')} warnings.`
    : `${count('error')} problems, ${count('warning')} warnings.`
  return `${lines.join('\n')}\n\n${sum}\n`
}
