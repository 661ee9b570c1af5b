import { queueFromUrl } from '../src/index.ts'

describe('queueFromUrl', () => {
  it.each([
    ['kafka://a:9092,b:9093/traces', 'Kafka', 'kafka://a:9092,b:9093/traces'],
    ['kafka://localhost:9092', 'Kafka', 'kafka://localhost:9092/otlp_spans'],
    [
      'kafka://ada:p%40ss@a:9092/t?tls=true&mechanism=scram-sha-512&partitions=4',
      'Kafka',
      'kafka://a:9092/t',
    ],
    ['sqs://sqs.eu-west-1.amazonaws.com/1/langfuse', 'SQS', 'sqs://sqs.eu-west-1.amazonaws.com/1/langfuse'],
    ['redis://:secret@cache:6379/2?stream=spans', 'Redis', 'redis://cache:6379/2/spans'],
    ['rediss://cache:6379', 'Redis', 'redis://cache:6379/otlp_spans'],
  ])('reads %s, and shows no password in its address', (url, name, address) => {
    expect(queueFromUrl(url)).toMatchObject({ name, address })
  })

  it.each([
    ['amqp://user:secret@host/queue', /kafka:\/\/, sqs:\/\/, redis:\/\/ or rediss:\/\/, got "amqp:\/\/…"/],
    ['not a url', /got "something else"/],
    ['kafka:///topic', /kafka:\/\/host:port\/topic/],
    ['kafka://a b:9092/topic', /brokers must be a list of host:port/],
    ['kafka://a:9092/topic?compresion=gzip', /no parameters but .*compression.*, got "compresion"/],
    ['kafka://a:9092/topic?compression=brotli', /compression must be one of gzip/],
    [
      'kafka://a:9092/topic?maxMessageBytes=much',
      /maxMessageBytes must be an integer of at least 1024, got NaN/,
    ],
    ['kafka://a:9092/topic?partitions=0', /createTopics.partitions must be an integer of at least 1/],
    ['redis://host?claimAfterMs=1', /claimAfterMs must be between 1000 and/],
    ['sqs://host/1/queue?visibilityTimeoutSeconds=1', /visibilityTimeoutSeconds must be/],
  ])('refuses %s', (url, message) => {
    expect(() => queueFromUrl(url)).toThrow(message)
    expect(() => queueFromUrl(url)).toThrow(/LANGFUSE_MIDDLEWARE_INVALID_OPTION/)
    expect(() => queueFromUrl(url)).not.toThrow(/secret/)
  })
})
