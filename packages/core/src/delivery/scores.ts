import { types } from 'node:util'
import type { ItemOutbox, OutboxStats, ScoreEvent } from '@langfuse-middleware/delivery'
import type { Log } from '../basics/logger.ts'
import type { Score } from '../context/score.ts'
import { isSampled } from '../options/sampling.ts'
import type { TracingExporter } from '../options/tracing-exporter.ts'
import { toScoreEvent } from './score-event.ts'

/** The way of scores out of the process. No method throws. */
export interface Scores {
  /** Sends a score of any trace. Returns false for one that cannot be sent. */
  add(traceId: string, score: Score): boolean
  /** The scores of a trace that is not decided yet. */
  ofTrace(traceId: string): TraceScores
  stats(): ScoreStats
}

/** The scores of one trace, which are sent or dropped with it. */
export interface TraceScores {
  readonly count: number
  /** Takes a score: until `decide`, or to be sent or dropped at once. */
  add(score: Score, decision: 'pending' | 'keep' | 'drop'): void
  /** Sends or drops the scores that wait. */
  decide(decision: 'keep' | 'drop'): void
}

/** What became of scores. */
export interface ScoreStats {
  /** Not sent, because something in them was wrong. */
  readonly unfit: number
  /** Not sent, because their trace was dropped. */
  readonly droppedWithTrace: number
  /** Undefined where there is no Langfuse to send them to. */
  readonly delivery: OutboxStats | undefined
}

export interface ScoresOptions {
  readonly outbox: ItemOutbox<ScoreEvent> | undefined
  /** What the app brought in the outbox's place. */
  readonly exporter: TracingExporter | undefined
  readonly environment: string
  /** The share of traces kept on no other ground. */
  readonly rate: number
  readonly log: Log
}

const MAX_SCORES_PER_TRACE = 100

/** Creates the way to the outbox, or what is in its place. */
export function createScores({ outbox, exporter, environment, rate, log }: ScoresOptions): Scores {
  let unfit = 0
  let droppedWithTrace = 0

  return {
    add(traceId, score) {
      const event = eventOf(traceId, score)
      if (event === undefined) return false
      if (!isSampled(event.body.traceId, rate)) {
        log.warnOnce(
          'score of an unsampled trace',
          'a score is of a trace that sampling may have dropped, and Langfuse would show it without one; routes whose answers are scored later need sampling: { rate: 1 }',
        )
      }
      return send(event)
    },
    ofTrace(traceId) {
      let waiting: ScoreEvent[] = []
      return {
        get count() {
          return waiting.length
        },
        add(score, decision) {
          const event = eventOf(traceId, score)
          if (event === undefined) return
          if (decision !== 'pending') finish(event, decision)
          else if (waiting.length < MAX_SCORES_PER_TRACE) waiting.push(event)
          else refuse(`a request has more than ${MAX_SCORES_PER_TRACE} of them`)
        },
        decide(decision) {
          for (const event of waiting) finish(event, decision)
          waiting = []
        },
      }
    },
    stats: () => ({ unfit, droppedWithTrace, delivery: outbox?.stats() }),
  }

  function eventOf(traceId: string, score: Score): ScoreEvent | undefined {
    try {
      return toScoreEvent(traceId, score, environment)
    } catch (error) {
      refuse(types.isNativeError(error) ? error.message : 'it cannot be read')
      return undefined
    }
  }

  function finish(event: ScoreEvent, decision: 'keep' | 'drop'): void {
    if (decision === 'keep') send(event)
    else droppedWithTrace += 1
  }

  function send(event: ScoreEvent): boolean {
    if (outbox !== undefined) return outbox.add([event])
    if (exporter?.exportScore === undefined) {
      log.warnOnce('scores unsent', 'scores are left out: observations do not go to Langfuse')
      return false
    }
    try {
      exporter.exportScore(event.body)
      return true
    } catch (error) {
      log.warnOnce('exportScore threw', `the exporter's exportScore threw, scores are lost: ${String(error)}`)
      return false
    }
  }

  function refuse(reason: string): void {
    unfit += 1
    log.warnOnce('score unfit', `a score is left out: ${reason}`)
  }
}
