import langfusePlugin from '@langfuse-middleware/fastify'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { AppModule } from './app-module.ts'

async function start(): Promise<void> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter())
  await app.register(langfusePlugin, { ignore: ['/health'] })
  app.enableShutdownHooks()
  await app.listen(Number(process.env.PORT ?? 3015), '127.0.0.1')
  console.log(`nestjs on Fastify listens on ${await app.getUrl()}`)
}

start()
