/**
 * How a request ended: answered in full, or cut short by one of four causes. What the server itself broke off is `server_aborted`
 * before its headers were sent and `stream_error` after.
 */
export type RequestEnd = 'completed' | 'client_aborted' | 'server_aborted' | 'timed_out' | 'stream_error'

/** What an adapter reports when a request is over. */
export interface Outcome {
  /** The status that was sent; absent when no header ever left. */
  statusCode?: number | undefined
  /** The route template, such as `/users/:id`; absent when no route matched. */
  route?: string | undefined
  end: RequestEnd
}

/** Langfuse's severity of an observation. */
export type Level = 'DEBUG' | 'DEFAULT' | 'WARNING' | 'ERROR'

/** 5xx, timeouts, broken streams, and errors that were answered with less than 400 are ERROR; 4xx and aborts WARNING; the rest DEFAULT. */
export function levelOf({ statusCode, end }: Outcome, failed: boolean): Level {
  if (end === 'timed_out' || end === 'stream_error') return 'ERROR'
  if (statusCode !== undefined && statusCode >= 500) return 'ERROR'
  if (failed && (statusCode === undefined || statusCode < 400) && end !== 'client_aborted') return 'ERROR'
  if (end !== 'completed') return 'WARNING'
  return statusCode !== undefined && statusCode >= 400 ? 'WARNING' : 'DEFAULT'
}
