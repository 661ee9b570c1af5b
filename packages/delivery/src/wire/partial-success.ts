import { readFields } from './wire-reader.ts'

/** Reads how many spans an `ExportTraceServiceResponse` says were left out, and why. */
export function readPartialSuccess(response: Uint8Array): [rejected: number, reason: string] {
  let rejected = 0
  let reason = ''
  for (const partial of readFields(response)) {
    if (partial.number !== 1) continue
    for (const field of readFields(partial.content)) {
      if (field.number === 1) rejected = field.value
      if (field.number === 2) reason = Buffer.from(field.content).toString('utf8')
    }
  }
  return [rejected, reason]
}
