import { langfuseMiddleware } from '@langfuse-middleware/express'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { AppModule } from './app-module.ts'

async function start(): Promise<void> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule)
  app.use(langfuseMiddleware({ ignore: ['/health'] }))
  app.enableShutdownHooks()
  await app.listen(Number(process.env.PORT ?? 3014), '127.0.0.1')
  console.log(`nestjs on Express listens on ${await app.getUrl()}`)
}

start()
