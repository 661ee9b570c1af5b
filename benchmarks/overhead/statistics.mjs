import { spread } from '../harness/statistics.mjs'

/** What a variant's runs say, each beside the bare one before it. */
export function summary(pairs) {
  const of = value => spread(pairs.map(value))
  return {
    aboveBareUs: of(({ bare, run }) => run.cpuUs - bare.cpuUs),
    aboveBareMainUs: of(({ bare, run }) => run.mainUs && run.mainUs - bare.mainUs),
    ratio: of(({ bare, run }) => run.perSecond / bare.perSecond),
    ...figures(pairs.map(({ run }) => run)),
  }
}

/** What runs say without any to compare with. */
export function figures(runs) {
  const of = name => spread(runs.map(run => run[name]))
  return {
    cpuUs: of('cpuUs'),
    perSecond: of('perSecond'),
    busy: of('busy'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    longestStallMs: of('longestStallMs'),
    residentMiB: of('residentMiB'),
    lost: of('lost'),
    runs: runs.length,
  }
}
