import type { IncomingMessage } from 'node:http'
import { RequestError } from '../basics/request-error.ts'
import { decodeJson } from '../otlp/otlp-json.ts'
import { decodeProtobuf } from '../otlp/otlp-protobuf.ts'
import type { DecodedRequest, OtlpSpan } from '../otlp/otlp-span.ts'
import { mediaType, type Reply } from './reply.ts'
import { readBody } from './request-body.ts'

/** Takes one OTLP export; `keep` returns a reason for each span it refuses. */
export async function receiveSpans(
  request: IncomingMessage,
  maxBodyBytes: number,
  keep: (spans: OtlpSpan[]) => string[],
): Promise<{ reply: Reply; rejected: number }> {
  const contentType = mediaType(request)
  const isJson = contentType === 'application/json'
  if (!isJson && contentType !== 'application/x-protobuf' && contentType !== 'application/protobuf') {
    throw new RequestError(415, 'Content-Type must be application/json or application/x-protobuf')
  }
  const body = await readBody(request, maxBodyBytes)
  const { spans, rejections } = decode(body, isJson)
  const refused = [...rejections, ...keep(spans)]
  return { reply: answer(isJson, contentType, refused), rejected: refused.length }
}

/** A `google.rpc.Status` as OTLP asks for it where the whole request failed: field 2 is the message. */
export function encodeStatus(message: string): Uint8Array {
  return lengthDelimited(2, Buffer.from(message))
}

function decode(body: Uint8Array, isJson: boolean): DecodedRequest {
  try {
    return isJson ? decodeJson(body) : decodeProtobuf(body)
  } catch (error) {
    throw new RequestError(400, `the body is not an OTLP trace export: ${(error as Error).message}`)
  }
}

function answer(isJson: boolean, contentType: string, refused: string[]): Reply {
  const errorMessage = [...new Set(refused)].slice(0, 3).join('; ')
  if (isJson) {
    const partialSuccess = { rejectedSpans: refused.length, errorMessage }
    const body = JSON.stringify(refused.length === 0 ? {} : { partialSuccess })
    return { statusCode: 200, contentType, body }
  }
  const body =
    refused.length === 0
      ? new Uint8Array()
      : lengthDelimited(1, encodePartialSuccess(refused.length, errorMessage))
  return { statusCode: 200, contentType, body }
}

function encodePartialSuccess(rejectedSpans: number, errorMessage: string): Uint8Array {
  return Buffer.concat(
    [[8], varint(rejectedSpans), lengthDelimited(2, Buffer.from(errorMessage))].map(part =>
      Buffer.from(part),
    ),
  )
}

function lengthDelimited(number: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([number * 8 + 2, ...varint(value.length)]), value])
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]
}
