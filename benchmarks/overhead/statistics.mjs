import { median, spread } from '../harness/statistics.mjs'

/** What the pairs of processes of a variant say: of each, the median of its turns beside the bare one's before each. */
export function summary(pairs) {
  const beside = (name, found) =>
    spread(
      pairs.map(({ turns }) =>
        median(turns.run.map((turn, index) => found(turn[name], turns.bare[index][name]))),
      ),
    )
  // Of a machine whose speed changes only proportions can be compared.
  const above = name => {
    const bare = median(pairs.flatMap(({ turns }) => turns.bare.map(turn => turn[name])))
    return beside(name, (run, before) => (run / before - 1) * bare)
  }
  return {
    aboveBareUs: above('cpuUs'),
    aboveBareMainUs: above('mainUs'),
    ratio: beside('perSecond', (run, before) => run / before),
    ...figures(pairs.map(({ turns, run }) => ({ turns: turns.run, ...run }))),
  }
}

/** What processes say without any to compare with. */
export function figures(processes) {
  const of = name => spread(processes.map(process => process[name]))
  const ofTurns = name => spread(processes.map(({ turns }) => median(turns.map(turn => turn[name]))))
  return {
    cpuUs: ofTurns('cpuUs'),
    perSecond: ofTurns('perSecond'),
    busy: ofTurns('busy'),
    residentMiB: ofTurns('residentMiB'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    longestStallMs: of('longestStallMs'),
    lost: of('lost'),
    runs: processes.length,
  }
}
