import type { IncomingMessage } from 'node:http'
import type { Reply } from './reply.ts'

/** A path of the server and its handler for each method it accepts. */
export interface Route {
  path: RegExp
  methods: Record<string, (request: IncomingMessage, match: RegExpExecArray) => Reply | Promise<Reply>>
}
