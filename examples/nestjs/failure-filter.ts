import { tracedRequestOf } from '@langfuse-middleware/core/adapter'
import { type ArgumentsHost, Catch } from '@nestjs/common'
import { BaseExceptionFilter } from '@nestjs/core'

/** Records what was thrown, and leaves the answer to Nest. Nest answers errors by itself, so that no platform sees them. */
@Catch()
export class FailureFilter extends BaseExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest()
    // Fastify's request has Node's as `raw`.
    tracedRequestOf(request.raw ?? request)?.fail(error)
    super.catch(error, host)
  }
}
