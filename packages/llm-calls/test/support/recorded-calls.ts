import {
  type AnswerContent,
  type LlmCall,
  type UnreadReason,
  type WatchOptions,
  watchLlmCalls,
} from '../../src/index.ts'

/** A call as the hooks of a watch were told of it. */
export interface RecordedCall<Context = undefined> {
  readonly call: LlmCall<Context>
  readonly input: unknown
  content: AnswerContent
  /** The order in which the hooks were called. */
  readonly hooks: string[]
}

export interface Recording<Context> {
  readonly calls: RecordedCall<Context>[]
  readonly unread: UnreadReason[]
  readonly faults: unknown[]
  /** Resolves with the calls once `count` of them have ended. */
  ended(count?: number): Promise<RecordedCall<Context>[]>
  stop(): void
}

/** Watches until `stop`, and records every call. */
export function recordCalls<Context = undefined>(options: WatchOptions<Context> = {}): Recording<Context> {
  const calls: RecordedCall<Context>[] = []
  const byCall = new Map<LlmCall<Context>, RecordedCall<Context>>()
  const unread: UnreadReason[] = []
  const faults: unknown[] = []
  const waiting: (() => void)[] = []
  const watch = watchLlmCalls<Context>({
    ...options,
    started(call, input) {
      const recorded = { call, input, content: call.content(), hooks: ['started'] }
      calls.push(recorded)
      byCall.set(call, recorded)
    },
    firstToken: call => byCall.get(call)?.hooks.push('firstToken'),
    ended(call, content) {
      const recorded = byCall.get(call)
      if (recorded === undefined) return
      recorded.content = content
      recorded.hooks.push('ended')
      for (const check of waiting) check()
    },
    unread: reason => unread.push(reason),
    fault: error => faults.push(error),
  })
  return {
    calls,
    unread,
    faults,
    ended: (count = 1) =>
      new Promise(resolve => {
        const check = () => {
          if (calls.filter(({ hooks }) => hooks.includes('ended')).length >= count) resolve(calls)
        }
        waiting.push(check)
        check()
      }),
    stop: watch.stop,
  }
}
