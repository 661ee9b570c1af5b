import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { MirrorConfig } from '../options/delivery-options.ts'
import { withoutContents } from './contents.ts'
import { MIRROR_DIALECTS } from './dialects.ts'

/** Creates an exporter that hands copies of spans, in the mirror's dialect, to `exporter`. */
export function createMirrorExporter(
  exporter: SpanExporter,
  { dialect, contents }: Pick<MirrorConfig, 'dialect' | 'contents'>,
  onFault: (error: unknown) => void,
): SpanExporter {
  const rewrite = MIRROR_DIALECTS[dialect]

  /** A span that cannot be rewritten keeps Langfuse's names. */
  function rewritten(span: ReadableSpan): ReadableSpan {
    let copy = span
    try {
      copy = rewrite(span, { contents })
    } catch (error) {
      onFault(error)
    }
    return contents ? copy : withoutContents(copy)
  }

  return {
    export: (spans, resultCallback) => exporter.export(spans.map(rewritten), resultCallback),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  }
}
