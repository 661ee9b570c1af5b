import { markdownTable } from '../harness/report.mjs'
import { variants } from './variants.mjs'

const COLUMNS = [
  ['', ({ variant }) => variants[variant].title],
  [
    'CPU µs per request',
    ({ variant, cpuUs, aboveBareUs }) =>
      variant === 'bare' ? shown(cpuUs) : `${aboveBareUs.median < 0 ? '' : '+'}${shown(aboveBareUs)}`,
  ],
  ['of it main thread', ({ aboveBareMainUs }) => shown(aboveBareMainUs)],
  [
    'requests/s',
    ({ variant, perSecond, ratio }) => (variant === 'bare' ? whole(perSecond) : `× ${shown(ratio, 2)}`),
  ],
  ['of a core', ({ busy }) => `${Math.round(100 * busy.median)} %`],
  ['p50, p99 ms', ({ p50Ms, p99Ms }) => p50Ms && `${p50Ms.median.toFixed(2)}, ${p99Ms.median.toFixed(2)}`],
  ['longest stall ms', ({ longestStallMs }) => longestStallMs?.median.toFixed(1)],
  ['resident MiB', ({ residentMiB }) => whole(residentMiB)],
  [
    'spans lost',
    ({ lost }) => lost && (lost.median < 0.0005 ? 'none' : `${(100 * lost.median).toFixed(1)} %`),
  ],
]

/** A Markdown table of the results of one framework, route and Node.js version. */
export function table(results) {
  const columns = COLUMNS.filter(([, cell]) => results.some(result => cell(result)))
  return markdownTable(
    columns.map(([head]) => head),
    results.map(result => columns.map(([, cell]) => cell(result) ?? '')),
  )
}

function shown(spread, digits = 1) {
  if (spread === undefined) return undefined
  const [median, min, max] = [spread.median, spread.min, spread.max].map(value => value.toFixed(digits))
  return `${median} (${min}–${max})`
}

function whole(spread) {
  return spread && Math.round(spread.median).toLocaleString('en-US')
}
