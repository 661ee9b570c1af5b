import 'reflect-metadata'
import { Module } from '@nestjs/common'
import { APP_FILTER } from '@nestjs/core'
import { AnswerController } from './answer-controller.ts'
import { AnswerService } from './answer-service.ts'
import { FailureFilter } from './failure-filter.ts'
import { HealthController } from './health-controller.ts'
import { TracingShutdown } from './tracing-shutdown.ts'

@Module({
  controllers: [AnswerController, HealthController],
  providers: [AnswerService, TracingShutdown, { provide: APP_FILTER, useClass: FailureFilter }],
})
export class AppModule {}
