export type { MessageQueue } from './contract/message-queue.ts'
export type { SqsClient, SqsCredentials, SqsQueueOptions } from './sqs/options.ts'
export { sqsQueue } from './sqs/sqs-queue.ts'
