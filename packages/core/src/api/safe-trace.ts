import type { LangfuseSpanAttributes } from '@langfuse/tracing'
import { errorMessage } from '../export/observation-attributes.ts'
import { runningTracing } from '../start/tracing.ts'

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
 * Traces a function under the current request. It runs once and gives what it gives: its result, or its error, whatever happens in
 * tracing. A promise's observation ends when it settles; anything else ends at return.
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
  // A promise's own class may offer more than `then`, so only a plain one is replaced by one that ends the observation first.
  if (!(result instanceof Promise)) {
    observation.end()
    return result
  }
  const ended = result.then(
    value => {
      observation.end()
      return value
    },
    thrown => {
      observation.end({ thrown })
      throw thrown
    },
  )
  return ended as T
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
    return {
      update: attributes => guarded(() => void span.update(attributes)),
      run: fn => otel.api.context.with(context, fn),
      end: failure =>
        guarded(() => {
          if (failure !== undefined)
            span.update({ level: 'ERROR', statusMessage: errorMessage(failure.thrown) })
          span.end()
        }),
    }
  } catch (error) {
    log.warnOnce('safeTrace failed', `safeTrace ran a function untraced: ${String(error)}`)
    return UNTRACED
  }
}
