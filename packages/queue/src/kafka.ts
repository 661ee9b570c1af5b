export type { MessageQueue } from './contract/message-queue.ts'
export { kafkaQueue } from './kafka/kafka-queue.ts'
export type { KafkaProducer, KafkaQueueOptions, KafkaRecord, KafkaSasl } from './kafka/options.ts'
