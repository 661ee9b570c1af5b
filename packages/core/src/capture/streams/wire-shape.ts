import type { Answer } from './answer.ts'

/** What an event of a stream carries, parsed. */
export type EventData = Readonly<Record<string, unknown>>

/** How one API streams an answer. */
export interface WireShape {
  /** Whether an event is one of this API's. */
  recognises(data: EventData): boolean
  read(data: EventData, answer: Answer): void
}

/** The members of a value that should be an object; none where it is not. */
export function members(value: unknown): EventData {
  return typeof value === 'object' && value !== null ? (value as EventData) : {}
}

/** The items of a value that should be an array of objects. */
export function items(value: unknown): EventData[] {
  return Array.isArray(value) ? value.map(members) : []
}
