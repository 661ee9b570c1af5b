import type { FakeLangfuse } from './fake-langfuse.ts'

/** What became of spans that an outbox said it had put into the queue. */
export interface Books {
  sent: number
  delivered: number
  /** Delivered more than once, which Langfuse merges. */
  twice: number
  deadLettered: number
  lost: number
}

const lines: string[] = []

/** Adds up what became of the spans or scores `ids`. */
export function booksOf(ids: Iterable<string>, langfuse: FakeLangfuse, deadLettered = 0): Books {
  const sent = [...ids]
  const delivered = sent.filter(id => langfuse.accepted.has(id))
  return {
    sent: sent.length,
    delivered: delivered.length,
    twice: delivered.filter(id => langfuse.accepted.get(id)! > 1).length,
    deadLettered,
    lost: sent.length - delivered.length - deadLettered,
  }
}

/** Notes books for the table that is printed after the tests. */
export function note(scenario: string, books: Books): Books {
  const figures = Object.entries(books).map(([name, count]) => `${name} ${count}`)
  lines.push(`${scenario.padEnd(60)} ${figures.join(', ')}`)
  return books
}

afterAll(() => {
  if (lines.length > 0) process.stdout.write(`${lines.splice(0).join('\n')}\n`)
})
