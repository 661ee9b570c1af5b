import { lazyRequire } from './lazy-require.ts'

/** The packages tracing runs on, loaded together when tracing starts: some 100 ms that an untraced process never pays. */
export interface Otel {
  readonly api: typeof import('@opentelemetry/api')
  readonly core: typeof import('@opentelemetry/core')
  readonly sdk: typeof import('@opentelemetry/sdk-trace-base')
  readonly resources: typeof import('@opentelemetry/resources')
  readonly langfuse: typeof import('@langfuse/core')
  readonly tracing: typeof import('@langfuse/tracing')
  readonly otel: typeof import('@langfuse/otel')
}

let loaded: Otel | undefined

/** Loads them once. */
export function loadOtel(): Otel {
  loaded ??= {
    // A copy: the exports are getters, which V8 keeps in a hash table, and every request uses some.
    api: { ...lazyRequire<Otel['api']>('@opentelemetry/api') },
    core: lazyRequire('@opentelemetry/core'),
    sdk: lazyRequire('@opentelemetry/sdk-trace-base'),
    resources: lazyRequire('@opentelemetry/resources'),
    langfuse: lazyRequire('@langfuse/core'),
    tracing: lazyRequire('@langfuse/tracing'),
    otel: lazyRequire('@langfuse/otel'),
  }
  return loaded
}
