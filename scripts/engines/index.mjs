// Real engines for tests, benchmarks and examples, from package registries alone. Each ends with the process that started it.
export { startCollector, whyNoCollector } from './collector.mjs'
export { startElasticMq } from './elasticmq.mjs'
export { startKafka } from './kafka.mjs'
export { whyNoJvm } from './maven.mjs'
export { startRedis, whyNoRedis } from './redis.mjs'
export { freePort } from './supervised.mjs'
