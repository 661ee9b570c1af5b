import type { Server } from 'node:net'
import { shared } from '../basics/shared.ts'
import type { RequestLike } from './request-like.ts'

/** A session of HTTP/2, which keeps its server open until it is closed. */
export interface Http2Session {
  close(): void
  once(event: 'close', listener: () => void): void
}

interface SocketLike {
  readonly server?: Server | null
}

interface SeenServers {
  readonly servers: Map<Server, Set<Http2Session>>
  last: Server | undefined
}

const seen: SeenServers = shared('servers', () => ({ servers: new Map(), last: undefined }))

/** Remembers the server that a request came through, so that it can stop accepting when the process is told to go. */
export function seeServer(request: RequestLike): void {
  const server = (request.socket as SocketLike | undefined)?.server ?? undefined
  const session = (request as { stream?: { session?: Http2Session } }).stream?.session
  // The usual case: the server of the request before, without HTTP/2.
  if (server === seen.last && session === undefined) return
  if (server === undefined || typeof server.close !== 'function') return
  if (!seen.servers.has(server)) {
    seen.servers.set(server, new Set())
    server.once('close', () => {
      seen.servers.delete(server)
      if (seen.last === server) seen.last = undefined
    })
  }
  seen.last = server
  if (session !== undefined) seeSession(seen.servers.get(server)!, session)
}

/** The open servers that requests came through. */
export function seenServers(): Server[] {
  return [...seen.servers.keys()]
}

/** The open HTTP/2 sessions of a server that requests came through. */
export function sessionsOf(server: Server): Http2Session[] {
  return [...(seen.servers.get(server) ?? [])]
}

function seeSession(sessions: Set<Http2Session>, session: Http2Session): void {
  if (sessions.has(session)) return
  sessions.add(session)
  session.once('close', () => sessions.delete(session))
}
