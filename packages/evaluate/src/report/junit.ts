import type { EvaluationSummary, ItemResult } from '../verdict/evaluation-result.ts'

/**
 * The result as JUnit XML: a test case per item and per threshold.
 *
 * @see https://github.com/testmoapp/junitxml
 */
export function formatJUnit(result: EvaluationSummary): string {
  const broken = result.items.filter(({ errors }) => errors.length > 0).length
  const missed = result.checks.filter(({ passed }) => !passed).length
  const tests = result.items.length + result.checks.length
  const counts = `tests="${tests}" failures="${missed}" errors="${broken}" time="${seconds(result.durationMs)}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${escaped(result.name)}" ${counts}>`,
    ...result.items.flatMap(item => itemCase(result.name, item)),
    ...result.checks.map(
      ({ score, statistic, kind, passed, message }) =>
        `    <testcase classname="${escaped(`${result.name} thresholds`)}" name="${escaped(`${score} ${statistic} ${kind}`)}" time="0">${
          passed ? '' : `<failure message="${escaped(message)}"/>`
        }</testcase>`,
    ),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function itemCase(name: string, { item, durationMs, scores, errors, traceId }: ItemResult): string[] {
  const said = scores.map(
    ({ name, value, comment }) => `${name}: ${value}${comment === undefined ? '' : ` (${comment})`}`,
  )
  if (traceId !== undefined) said.push(`trace: ${traceId}`)
  return [
    `    <testcase classname="${escaped(name)}" name="${escaped(item.id)}" time="${seconds(durationMs ?? 0)}">`,
    ...(errors.length === 0 ? [] : [`      <error message="${escaped(errors.join('; '))}"/>`]),
    `      <system-out>${escaped(said.join('\n'))}</system-out>`,
    '    </testcase>',
  ]
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3)
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escaped(text: string): string {
  return (
    Buffer.from(text)
      .toString()
      // XML 1.0 has no way to write these.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
      .replace(/[&<>"]/g, character => ENTITIES[character]!)
      .replace(/[\t\n\r]/g, character => `&#${character.charCodeAt(0)};`)
  )
}
