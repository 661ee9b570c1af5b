/** Who may call, by bearer token. A real app asks its identity provider. */
const userIds = new Map([
  ['token-of-ada', 'ada'],
  ['token-of-alan', 'alan'],
])

/**
 * Names the user of the trace once the token has been checked; observations begun earlier get it too.
 * @type {import('express').RequestHandler}
 */
export function authenticate(request, response, next) {
  const token = request.get('authorization')?.replace(/^Bearer /, '')
  if (token === undefined) return next()
  const userId = userIds.get(token)
  if (userId === undefined) return response.status(401).json({ error: 'unknown token' })
  request.langfuse.setUser(userId)
  next()
}
