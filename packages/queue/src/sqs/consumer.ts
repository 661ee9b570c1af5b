import type { Message } from '@aws-sdk/client-sqs'
import { createGate, type Gate } from '../basics/gate.ts'
import { readAttributes } from '../contract/attributes.ts'
import type { Channel } from '../contract/message.ts'
import type { Consumer, ConsumerOptions } from '../contract/message-queue.ts'
import { openSqs, type Sqs } from './client.ts'
import { decodeBody } from './encoding.ts'
import type { SqsConfig } from './options.ts'

interface Held {
  channel: Channel
  receipt: string
}

interface ReceiveOutput {
  Messages?: Message[]
}

const WAIT_SECONDS = 10
const MESSAGES_AT_ONCE = 10
const RETRY_MS = 1_000
const DELETE_EVERY_MS = 200

/** Creates the consumer of an SQS queue: long polling, and a visibility that is prolonged until a message is delivered. */
export function createSqsConsumer(config: SqsConfig, options: ConsumerOptions): Consumer {
  const held = new Set<Held>()
  const done = new Set<Held>()
  const polls = new AbortController()
  let sqs: Sqs | undefined
  let loops: Promise<unknown> = Promise.resolve()
  let timers: NodeJS.Timeout[] = []
  let deleting: Promise<void> = Promise.resolve()
  let paused: Gate | undefined
  let stopped = false
  let connected = false

  return {
    async start() {
      sqs = await openSqs(config)
      loops = Promise.all(options.channels.map(channel => poll(sqs!, channel)))
      timers = [
        setInterval(() => void deleteDone(), DELETE_EVERY_MS),
        setInterval(() => void prolong(), (config.visibilityTimeoutSeconds * 1000) / 3),
      ]
    },
    pause() {
      paused ??= createGate()
    },
    resume() {
      paused?.open()
      paused = undefined
    },
    async stop() {
      stopped = true
      paused?.open()
      polls.abort()
      await loops
    },
    async close() {
      for (const timer of timers) clearInterval(timer)
      await deleteDone()
      await giveBack()
      sqs?.close()
    },
    get connected() {
      return connected
    },
    partitions: [],
    lag,
  }

  async function poll({ sdk, client }: Sqs, channel: Channel): Promise<void> {
    const command = {
      QueueUrl: config.urls[channel],
      MaxNumberOfMessages: MESSAGES_AT_ONCE,
      WaitTimeSeconds: WAIT_SECONDS,
      VisibilityTimeout: config.visibilityTimeoutSeconds,
      MessageAttributeNames: ['All'],
    }
    while (!stopped) {
      await paused?.opened
      if (stopped) return
      try {
        const timeout = AbortSignal.timeout(WAIT_SECONDS * 1000 + config.timeoutMs)
        const { Messages = [] }: ReceiveOutput = await client.send(new sdk.ReceiveMessageCommand(command), {
          abortSignal: AbortSignal.any([polls.signal, timeout]),
        })
        connected = true
        for (const message of Messages) await receive(channel, message)
      } catch (error) {
        if (stopped) return
        connected = false
        options.failed(error)
        await new Promise(resolve => setTimeout(resolve, RETRY_MS))
      }
    }
  }

  async function receive(channel: Channel, message: Message): Promise<void> {
    const entry: Held = { channel, receipt: message.ReceiptHandle ?? '' }
    held.add(entry)
    // What does not decode is handed on as it is: the worker sees that it is no request and keeps it as a dead letter.
    const text = message.Body ?? ''
    const body = await decodeBody(text).catch(() => Buffer.from(text))
    options.receive({
      ...readAttributes(name => message.MessageAttributes?.[name]?.StringValue, channel),
      body,
      origin: `${config.urls[channel].split('/').at(-1)}@${message.MessageId}`,
      partition: config.urls[channel],
      acknowledge() {
        if (held.delete(entry)) done.add(entry)
      },
    })
  }

  /** One deletion at a time; what fails stays for the next. */
  function deleteDone(): Promise<void> {
    deleting = deleting.then(async () => {
      const entries = [...done]
      await inBatches(entries, 'DeleteMessageBatchCommand', {}, batch => {
        for (const entry of batch) done.delete(entry)
      })
    })
    return deleting
  }

  async function prolong(): Promise<void> {
    await inBatches([...held, ...done], 'ChangeMessageVisibilityBatchCommand', {
      VisibilityTimeout: config.visibilityTimeoutSeconds,
    })
  }

  /** Lets other workers have what was not delivered, without waiting for the visibility timeout. */
  async function giveBack(): Promise<void> {
    await inBatches([...held], 'ChangeMessageVisibilityBatchCommand', { VisibilityTimeout: 0 })
    held.clear()
  }

  async function inBatches(
    entries: readonly Held[],
    name: 'DeleteMessageBatchCommand' | 'ChangeMessageVisibilityBatchCommand',
    extra: { VisibilityTimeout?: number },
    succeeded: (batch: readonly Held[]) => void = () => {},
  ): Promise<void> {
    if (sqs === undefined) return
    const { sdk, send } = sqs
    for (const channel of options.channels) {
      const ofChannel = entries.filter(entry => entry.channel === channel)
      for (let at = 0; at < ofChannel.length; at += MESSAGES_AT_ONCE) {
        const batch = ofChannel.slice(at, at + MESSAGES_AT_ONCE)
        const Entries = batch.map(({ receipt }, index) => ({
          Id: `${index}`,
          ReceiptHandle: receipt,
          ...extra,
        }))
        // biome-ignore lint/suspicious/noExplicitAny: both commands take entries of this form
        const Command = sdk[name] as any
        try {
          const { Failed = [] } = await send<{ Failed?: { Id?: string }[] }>(
            new Command({ QueueUrl: config.urls[channel], Entries }),
          )
          const failed = new Set(Failed.map(({ Id }) => Number(Id)))
          succeeded(batch.filter((_entry, index) => !failed.has(index)))
        } catch (error) {
          if (!stopped) options.failed(error)
        }
      }
    }
  }

  async function lag(): Promise<number> {
    if (sqs === undefined) return 0
    const { sdk, send } = sqs
    let total = 0
    for (const channel of options.channels) {
      const { Attributes = {} } = await send<{ Attributes?: Record<string, string> }>(
        new sdk.GetQueueAttributesCommand({
          QueueUrl: config.urls[channel],
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      )
      for (const count of Object.values(Attributes)) total += Number(count)
    }
    return total
  }
}
