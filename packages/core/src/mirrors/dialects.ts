import type { MirrorDialectName } from '../options/delivery-options.ts'
import { openinference } from './openinference.ts'
import { type MirrorDialect, otel } from './otel.ts'
import { tencent } from './tencent.ts'

/** Every dialect by its name in the options. Datadog reads OpenTelemetry's names, if a header asks for it. */
export const MIRROR_DIALECTS: Readonly<Record<MirrorDialectName, MirrorDialect>> = {
  otel,
  datadog: otel,
  openinference,
  tencent,
  langfuse: span => span,
}
