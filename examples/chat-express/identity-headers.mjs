/**
 * Tells another service on whose behalf it is called: its trace gets the same user, session and request id.
 * @param {import('@langfuse-middleware/express').RequestTrace} trace
 * @returns {Record<string, string>}
 */
export function identityHeaders({ requestId, userId, sessionId }) {
  return {
    'x-request-id': requestId,
    ...(userId && { 'x-user-id': userId }),
    ...(sessionId && { 'x-session-id': sessionId }),
  }
}
