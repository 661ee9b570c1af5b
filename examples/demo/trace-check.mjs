/**
 * @typedef {import('@langfuse-middleware/inspector').Trace} Trace
 * @typedef {import('@langfuse-middleware/inspector').Observation} Observation
 * @typedef {import('./scenarios.mjs').TraceExpectation} TraceExpectation
 */

/**
 * One request that was made: what it should leave behind, and the ids by which that is found.
 * @typedef {object} Sent
 * @property {import('./scenarios.mjs').Scenario} scenario
 * @property {string} requestId
 * @property {string} sessionId
 * @property {number | string} status - what came back, or why nothing did
 */

/**
 * Everything that is missing, wrong or too much, one sentence each; empty when every trace arrived whole.
 * @param {Sent[]} sent
 * @param {Trace[]} traces
 * @param {{ exact?: boolean }} [options] - `exact: false` allows further observations, as a real model causes them
 * @returns {string[]}
 */
export function problemsOf(sent, traces, { exact = true } = {}) {
  const expected = new Set(sent.flatMap(one => tracesOf(one, traces)))
  // The RAG app embeds its documents when it starts.
  const unexpected = traces.filter(trace => !expected.has(trace) && trace.name !== 'index documents')
  return [
    ...sent.flatMap(one => problemsOfRequest(one, traces, { exact })),
    ...unexpected.map(
      ({ name, id, root }) => `unexpected trace ${name}${root ? '' : ' without a root'} (${id})`,
    ),
  ]
}

/**
 * The same for one request; traces of other requests are passed over.
 * @param {Sent} sent
 * @param {Trace[]} traces
 * @param {{ exact?: boolean }} [options]
 * @returns {string[]}
 */
export function problemsOfRequest(sent, traces, { exact = true } = {}) {
  const { scenario, status } = sent
  const found = tracesOf(sent, traces)
  const problems = status === scenario.status ? [] : [`answered ${status} instead of ${scenario.status}`]
  if (scenario.trace) {
    const [trace] = found
    problems.push(
      ...(trace ? problemsOfTrace(trace, scenario.trace, sent.sessionId, exact) : ['no trace arrived']),
    )
  }
  const most = scenario.trace ? 1 : 0
  if (found.length > most) {
    const names = found.map(({ name }) => name).join(', ')
    problems.push(`traces: ${found.length} instead of ${most} (${names})`)
  }
  return problems.map(problem => `${scenario.title}: ${problem}`)
}

/**
 * The traces a request left behind, in order of start: one, if all is well.
 * @param {Sent} sent
 * @param {Trace[]} traces
 */
export function tracesOf({ requestId }, traces) {
  const found = traces.filter(({ metadata }) => metadata.requestId === requestId)
  return found.sort((a, b) => a.startTimeMs - b.startTimeMs)
}

/**
 * @param {Trace} trace
 * @param {TraceExpectation} expectation
 * @param {string} sessionId
 * @param {boolean} exact
 * @returns {string[]}
 */
function problemsOfTrace(trace, expectation, sessionId, exact) {
  const { root, observations } = trace
  return [
    ...differs('name', trace.name, expectation.name),
    ...differs('status', trace.statusCode, expectation.status),
    ...differs('level', root?.level, expectation.level ?? 'DEFAULT'),
    ...observations.filter(({ orphan }) => orphan).map(({ name }) => `the parent of ${name} has not arrived`),
    ...differsInServices(trace, expectation),
    ...observations.flatMap(({ name, userId, sessionId: session }) => [
      ...differs(`user of ${name}`, userId, expectation.userId),
      ...differs(`session of ${name}`, session, sessionId),
    ]),
    ...(expectation.cutShort
      ? []
      : observations.filter(lacksTokens).map(({ name }) => `${name} has no tokens`)),
    ...compare((root?.children ?? []).flatMap(pathsOf), expectation.observations ?? [], exact),
  ]
}

/** @param {string} what @param {unknown} actual @param {unknown} expected */
function differs(what, actual, expected) {
  return actual === expected ? [] : [`${what} is ${actual ?? 'absent'} instead of ${expected ?? 'absent'}`]
}

/**
 * The services that had a part in a trace, in order of appearance; none where it is not known.
 * @param {Trace} trace
 * @returns {string[]}
 */
export function servicesOf({ observations }) {
  const names = observations.map(({ resource }) => resource['service.name'])
  return [...new Set(names.filter(name => typeof name === 'string'))]
}

/** @param {Trace} trace @param {TraceExpectation} expectation */
function differsInServices(trace, { services = [] }) {
  const actual = servicesOf(trace)
  // Langfuse does not give the names back.
  if (actual.length === 0 || services.length === 0) return []
  return differs('services', actual.join(' and '), services.join(' and '))
}

/** @param {Observation} observation */
function lacksTokens({ type, level, tokens }) {
  return (type === 'generation' || type === 'embedding') && level === 'DEFAULT' && tokens.total === 0
}

/** @param {Observation} observation @returns {string[]} */
function pathsOf({ name, type, level, children }) {
  const label = `${name} ${type}${level === 'DEFAULT' ? '' : ` ${level}`}`
  return [label, ...children.flatMap(pathsOf).map(path => `${label} > ${path}`)]
}

/** @param {string[]} actual @param {string[]} expected @param {boolean} exact */
function compare(actual, expected, exact) {
  const left = [...actual]
  const missing = (exact ? expected : [...new Set(expected)]).filter(path => {
    const place = left.indexOf(path)
    if (place >= 0) left.splice(place, 1)
    return place < 0
  })
  return [...missing.map(path => `missing ${path}`), ...(exact ? left.map(path => `unexpected ${path}`) : [])]
}
