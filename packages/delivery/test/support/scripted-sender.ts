import type { Sender, SendResult } from '../../src/senders/sender.ts'
import { decodeSpans, type Message, toObject } from './otlp-decoder.ts'

type Answer = SendResult | Promise<SendResult> | Error

/** A destination that answers as told and keeps what it accepted. */
export interface ScriptedSender extends Sender {
  /** Every request, with the numbers of the spans in it. */
  readonly requests: number[][]
  /** Numbers of the spans it accepted, in order. */
  readonly received: number[]
  /** The spans themselves, with their attributes as an object. */
  readonly spans: { attributes: Record<string, unknown> }[]
  /** Called for each request from now on. */
  answer: (spans: number[], request: number) => Answer
}

export const ACCEPTED: SendResult = { outcome: 'accepted' }

/** Creates a destination that accepts everything until told otherwise. */
export function createScriptedSender(): ScriptedSender {
  const requests: number[][] = []
  const received: number[] = []
  const spans: ScriptedSender['spans'] = []
  const sender: ScriptedSender = {
    identity: 'scripted',
    requests,
    received,
    spans,
    answer: () => ACCEPTED,
    async send(body) {
      const decoded = decodeSpans(body)
      const numbers = decoded.map(numberOf)
      requests.push(numbers)
      const answer = sender.answer(numbers, requests.length)
      if (answer instanceof Error) throw answer
      const result = await answer
      if (result.outcome !== 'accepted') return result
      received.push(...numbers)
      spans.push(...decoded.map(span => ({ attributes: toObject(span.attributes) })))
      return result
    },
  }
  return sender
}

/** The number that `numberedSpans` gave a span. */
export function numberOf(span: Message): number {
  return toObject(span.attributes).number as number
}
