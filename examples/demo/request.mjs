/**
 * Makes a scenario's request; never throws.
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @param {{ url: string, requestId: string, sessionId: string, signal: AbortSignal }} target
 * @returns {Promise<import('./trace-check.mjs').Sent>}
 */
export async function send(scenario, { url, requestId, sessionId, signal }) {
  const [method, path] = scenario.request.split(' ')
  const hangUp = new AbortController()
  const sent = { scenario, requestId, sessionId }
  try {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...scenario.headers,
        ...(scenario.body !== undefined && { 'content-type': 'application/json' }),
        'x-request-id': requestId,
        'x-session-id': sessionId,
      },
      body: scenario.body === undefined ? null : JSON.stringify(scenario.body),
      signal: AbortSignal.any([hangUp.signal, signal, AbortSignal.timeout(60_000)]),
    })
    if (scenario.leave) {
      await response.body?.getReader().read()
      hangUp.abort()
    } else {
      await response.arrayBuffer()
    }
    return { ...sent, status: response.status }
  } catch (error) {
    return { ...sent, status: `nothing (${error instanceof Error ? error.message : error})` }
  }
}
