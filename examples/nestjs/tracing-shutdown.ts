import { getTracing } from '@langfuse-middleware/core'
import { Injectable, type OnApplicationShutdown } from '@nestjs/common'

/** Sends what is left once Nest has answered what was under way. Needs `app.enableShutdownHooks()`. */
@Injectable()
export class TracingShutdown implements OnApplicationShutdown {
  async onApplicationShutdown(): Promise<void> {
    await getTracing()?.shutdown()
  }
}
