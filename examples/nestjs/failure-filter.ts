import { currentRequest } from '@langfuse-middleware/core'
import { type ArgumentsHost, Catch } from '@nestjs/common'
import { BaseExceptionFilter } from '@nestjs/core'

/** Nest answers errors by itself, so that no platform sees them: this records what was thrown, and leaves the answer to Nest. */
@Catch()
export class FailureFilter extends BaseExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    currentRequest()?.fail(error)
    super.catch(error, host)
  }
}
