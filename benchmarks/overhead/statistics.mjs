export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Median, least and most; undefined where nothing was measured. */
export function spread(values) {
  const known = values.filter(value => value !== undefined && !Number.isNaN(value))
  if (known.length === 0) return undefined
  return { median: median(known), min: Math.min(...known), max: Math.max(...known) }
}

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
