import type { IncomingMessage } from 'node:http'
import { RequestError } from '../basics/request-error.ts'
import { mediaType } from './reply.ts'
import { readBody } from './request-body.ts'

/** Reads a JSON body; throws a RequestError if it is something else. */
export async function readJson(request: IncomingMessage, maxBodyBytes: number): Promise<unknown> {
  // Browsers send JSON across sites only after asking first, and nothing here answers yes.
  if (mediaType(request) !== 'application/json')
    throw new RequestError(415, 'Content-Type must be application/json')
  const body = await readBody(request, maxBodyBytes)
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    throw new RequestError(400, 'the body is not JSON')
  }
}

/** Reads a JSON object. */
export async function readObject(
  request: IncomingMessage,
  maxBodyBytes: number,
): Promise<Record<string, unknown>> {
  const value = await readJson(request, maxBodyBytes)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RequestError(400, 'the body must be an object')
  }
  return value as Record<string, unknown>
}
