export type { MessageQueue } from './contract/message-queue.ts'
export type { RedisClient, RedisQueueOptions } from './redis/options.ts'
export { redisQueue } from './redis/redis-queue.ts'
