import type { Attributes } from '@opentelemetry/api'
import { errorText } from '../capture/error-text.ts'
import { redactText } from '../capture/text/credentials.ts'
import type { RequestState } from './request-state.ts'

/** Adds to a root what only the inspector shows. Langfuse drops these names. */
export type InspectorAttributes = (attributes: Attributes, request: RequestState) => void

const MAX_STACK = 16_384
const MAX_HOST = 260

/**
 * Adds the address that the request was sent to, and the exception with its stack unless `masked`; nothing unless `mayBeThere` says that
 * there may be an inspector.
 */
export function createInspectorAttributes(masked: boolean, mayBeThere: () => boolean): InspectorAttributes {
  return (attributes, { start, failure, shownOfErrors }) => {
    if (!mayBeThere()) return
    const { headers, socket } = start.asked?.request ?? {}
    const host = headers?.host
    if (host !== undefined && host.length <= MAX_HOST) {
      const [, address, port] = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(host) ?? []
      if (address !== undefined) {
        attributes['url.scheme'] = (socket as { encrypted?: boolean } | undefined)?.encrypted
          ? 'https'
          : 'http'
        attributes['server.address'] = address.replace(/^\[|\]$/g, '')
        if (port !== undefined) attributes['server.port'] = Number(port)
      }
    }
    const error = failure?.error
    if (masked || !shownOfErrors.messages || !(error instanceof Error)) return
    const text = errorText(error, shownOfErrors, start.asked?.request)
    const frames = String(error.stack ?? '')
    attributes['exception.type'] = String(error.name)
    attributes['exception.message'] = text.slice(`${error.name}: `.length)
    // A stack begins with the message, which may quote the body.
    const from = frames.search(/\n\s+at /)
    attributes['exception.stacktrace'] =
      text + (from === -1 ? '' : redactText(frames.slice(from, from + MAX_STACK)))
  }
}
