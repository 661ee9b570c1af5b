import { types } from 'node:util'
import type { LangfuseSpanAttributes } from '@langfuse/tracing'
import { DEFAULT_SHOWN_OF_ERRORS, errorText } from '../capture/error-text.ts'
import { runningTracing } from '../start/tracing.ts'
import { followIteration, isAsyncIterator } from './async-iteration.ts'

/** The observation a traced function may describe itself on. */
export interface SafeObservation {
  update(attributes: LangfuseSpanAttributes): void
}

interface StartedObservation extends SafeObservation {
  run<T>(fn: () => T): T
  end(error?: { readonly thrown: unknown }): void
}

const UNTRACED: StartedObservation = { update() {}, run: fn => fn(), end() {} }

/**
 * Traces a function under the current request. It runs once, and its result or error is passed on unchanged, whatever happens in tracing.
 * The observation ends when the function returns, when the promise that it returns settles, or with the last value of an async generator. Of
 * that promise Node no longer reports an unhandled rejection, because the observation handles it.
 *
 * @example const documents = await safeTrace('retrieve', () => store.search(question))
 */
export function safeTrace<T>(name: string, fn: (observation: SafeObservation) => T): T {
  const observation = startObservation(name)
  let result: T
  try {
    result = observation.run(() => fn(observation))
  } catch (thrown) {
    observation.end({ thrown })
    throw thrown
  }
  if (types.isPromise(result)) {
    // Not the promise that `then` returns: a subclass has methods of its own, and a second promise could be rejected unhandled.
    result.then(
      value => endWith(value, observation),
      thrown => observation.end({ thrown }),
    )
  } else endWith(result, observation)
  return result
}

function endWith(result: unknown, observation: StartedObservation): void {
  if (isAsyncIterator(result)) followIteration(result, observation)
  else observation.end()
}

function startObservation(name: string): StartedObservation {
  const runtime = runningTracing()?.runtime
  if (runtime === undefined) return UNTRACED
  const { otel, pipeline, log } = runtime
  try {
    const span = otel.tracing.startObservation(name)
    const context = pipeline.beside.activate(otel.api.context.active(), span.otelSpan)
    const guarded = (work: () => void) => {
      try {
        work()
      } catch (error) {
        log.warnOnce('safeTrace failed', `safeTrace lost a part of an observation: ${String(error)}`)
      }
    }
    const request = pipeline.buffer.traceOf(otel.api.context.active())?.request
    const shown = () => request?.shownOfErrors ?? DEFAULT_SHOWN_OF_ERRORS
    return {
      update: attributes => guarded(() => void span.update(attributes)),
      run: fn => otel.api.context.with(context, fn),
      end: failure =>
        guarded(() => {
          if (failure !== undefined)
            span.update({
              level: 'ERROR',
              statusMessage: errorText(failure.thrown, shown(), request?.start.asked?.request),
            })
          span.end()
        }),
    }
  } catch (error) {
    log.warnOnce('safeTrace failed', `safeTrace ran a function untraced: ${String(error)}`)
    return UNTRACED
  }
}
