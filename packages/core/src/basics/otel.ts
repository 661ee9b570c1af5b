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

/** Loads them once. Literal `require` calls, so that a bundler sees them and Node.js loads nothing before they run. */
export function loadOtel(): Otel {
  loaded ??= {
    // A copy: the exports are getters, which V8 keeps in a hash table, and every request uses some.
    api: { ...(require('@opentelemetry/api') as Otel['api']) },
    core: require('@opentelemetry/core'),
    sdk: require('@opentelemetry/sdk-trace-base'),
    resources: require('@opentelemetry/resources'),
    langfuse: require('@langfuse/core'),
    tracing: require('@langfuse/tracing'),
    otel: require('@langfuse/otel'),
  }
  return loaded
}
