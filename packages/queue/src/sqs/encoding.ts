import { compress, decompress } from '../basics/gzip.ts'
import { attributesOf } from '../contract/attributes.ts'
import type { QueueMessage } from '../contract/message.ts'

/** A message as SQS stores it: text, and attributes that count as part of its size. */
export interface EncodedMessage {
  MessageBody: string
  MessageAttributes: Record<string, { DataType: 'String'; StringValue: string }>
}

/** Attributes of a message in the form of SQS. */
export function sqsAttributes(message: QueueMessage): EncodedMessage['MessageAttributes'] {
  return Object.fromEntries(
    attributesOf(message).map(([name, value]) => [name, { DataType: 'String', StringValue: value }]),
  )
}

/** Size of a message as SQS counts it. */
export function sizeOf({ MessageBody, MessageAttributes }: EncodedMessage): number {
  let size = MessageBody.length
  for (const [name, { DataType, StringValue }] of Object.entries(MessageAttributes)) {
    size += name.length + DataType.length + Buffer.byteLength(StringValue)
  }
  return size
}

/** Text of a body: Base64 of gzip, because SQS takes only text. */
export async function encodeBody(body: Uint8Array): Promise<string> {
  return (await compress(body)).toString('base64')
}

/** Reads back what `encodeBody` wrote. */
export function decodeBody(text: string): Promise<Buffer> {
  return decompress(Buffer.from(text, 'base64'))
}
