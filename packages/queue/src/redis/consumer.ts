import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { createGate, type Gate } from '../basics/gate.ts'
import { decompress } from '../basics/gzip.ts'
import { readAttributes } from '../contract/attributes.ts'
import type { Channel } from '../contract/message.ts'
import type { Consumer, ConsumerOptions } from '../contract/message-queue.ts'
import { BLOCKED_MS, openRedis, type RedisConnection } from './client.ts'
import type { RedisConfig } from './options.ts'

/** An entry of a stream: its id, and names and values by turns. */
type Entry = [id: Buffer, fields: Buffer[] | null]

const ENTRIES_AT_ONCE = 16
const RETRY_MS = 1_000
const ACKNOWLEDGE_EVERY_MS = 100

/** Creates the consumer of a Redis queue: a consumer group on each stream. */
export function createRedisConsumer(config: RedisConfig, options: ConsumerOptions): Consumer {
  const channels = options.channels.map(channel => ({ channel, stream: config.streams[channel] }))
  const name = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`
  const held = new Map(channels.map(({ stream }) => [stream, new Set<string>()]))
  const done = new Map(channels.map(({ stream }) => [stream, new Set<string>()]))
  let reader: RedisConnection | undefined
  let writer: RedisConnection | undefined
  let reading: Promise<unknown> = Promise.resolve()
  let acknowledging: Promise<void> = Promise.resolve()
  let timers: NodeJS.Timeout[] = []
  let paused: Gate | undefined
  let stopped = false
  let connected = false

  return {
    async start() {
      reader = await openRedis(config, { blocking: true })
      writer = await openRedis(config)
      reading = read()
      timers = [
        setInterval(() => void acknowledge(), ACKNOWLEDGE_EVERY_MS),
        setInterval(() => void quietly(refresh), config.claimAfterMs / 3),
        setInterval(() => void quietly(claim), config.claimAfterMs / 2),
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
      reader?.close()
      await reading
    },
    async close() {
      for (const timer of timers) clearInterval(timer)
      await acknowledge()
      await quietly(leave)
      writer?.close()
    },
    get connected() {
      return connected
    },
    partitions: [],
    // What is acknowledged is deleted: all that is in the stream waits.
    async lag() {
      let total = 0
      for (const { stream } of channels) total += Number((await call('XLEN', stream)) ?? 0)
      return total
    },
  }

  function call(command: string, ...args: (string | number)[]) {
    return writer!.client.callBuffer(command, ...args)
  }

  async function read(): Promise<void> {
    let ready = false
    while (!stopped) {
      await paused?.opened
      if (stopped) return
      try {
        if (!ready) await createGroups()
        ready = true
        const answer = await reader!.client.callBuffer(
          'XREADGROUP',
          ...['GROUP', options.group, name, 'COUNT', ENTRIES_AT_ONCE, 'BLOCK', BLOCKED_MS, 'STREAMS'],
          ...channels.map(({ stream }) => stream),
          ...channels.map(() => '>'),
        )
        connected = true
        for (const [stream, entries] of (answer ?? []) as [Buffer, Entry[]][]) {
          for (const entry of entries) await receive(`${stream}`, entry)
        }
      } catch (error) {
        if (stopped) return
        connected = false
        // A stream that was deleted took its group along.
        ready = false
        options.failed(reader?.lastError ?? error)
        await new Promise(resolve => setTimeout(resolve, RETRY_MS))
      }
    }
  }

  async function createGroups(): Promise<void> {
    for (const { stream } of channels) {
      await call('XGROUP', 'CREATE', stream, options.group, '0', 'MKSTREAM').catch(error => {
        // A full Redis refuses even to say that the group exists; reading from it makes room.
        if (!/BUSYGROUP|^OOM/.test((error as Error).message)) throw error
      })
    }
  }

  async function receive(stream: string, [idBytes, fields]: Entry): Promise<void> {
    const id = `${idBytes}`
    // Deleted, or claimed back although it is still being delivered here.
    if (fields === null || held.get(stream)!.has(id) || done.get(stream)!.has(id)) return
    held.get(stream)!.add(id)
    const values = new Map<string, Buffer>()
    for (let at = 0; at + 1 < fields.length; at += 2) values.set(`${fields[at]}`, fields[at + 1]!)
    const packed = values.get('body') ?? Buffer.alloc(0)
    const { channel } = channels.find(each => each.stream === stream) as { channel: Channel }
    options.receive({
      ...readAttributes(attribute => values.get(attribute)?.toString(), channel),
      // What does not decode is handed on as it is: the worker keeps it as a dead letter.
      body: await decompress(packed).catch(() => packed),
      key: values.get('key')?.toString(),
      origin: `${stream}@${id}`,
      partition: stream,
      acknowledge() {
        if (held.get(stream)!.delete(id)) done.get(stream)!.add(id)
      },
    })
  }

  /** XACK frees no memory: the entries are deleted, too. One acknowledgement at a time; what fails stays for the next. */
  function acknowledge(): Promise<void> {
    acknowledging = acknowledging.then(() =>
      quietly(async () => {
        for (const [stream, all] of done) {
          const ids = [...all]
          if (ids.length === 0) continue
          await call('XACK', stream, options.group, ...ids)
          await call('XDEL', stream, ...ids)
          for (const id of ids) all.delete(id)
        }
      }),
    )
    return acknowledging
  }

  /** Resets the idle time of what is still being delivered here. */
  async function refresh(idleMs = 0): Promise<void> {
    for (const [stream, ids] of held) {
      if (ids.size === 0) continue
      await call('XCLAIM', stream, options.group, name, 0, ...ids, 'IDLE', idleMs, 'JUSTID')
    }
  }

  /** Takes over what another worker received long ago and did not deliver. */
  async function claim(): Promise<void> {
    if (stopped || paused !== undefined) return
    for (const { stream } of channels) {
      const answer = await call(
        'XAUTOCLAIM',
        ...[stream, options.group, name, config.claimAfterMs, '0-0', 'COUNT', ENTRIES_AT_ONCE],
      )
      for (const entry of answer[1] as Entry[]) await receive(stream, entry)
    }
  }

  /** Lets others claim at once what was not delivered, and forgets the name of this consumer if there is nothing. */
  async function leave(): Promise<void> {
    await refresh(config.claimAfterMs)
    for (const [stream, ids] of held) {
      if (ids.size === 0) await call('XGROUP', 'DELCONSUMER', stream, options.group, name)
    }
  }

  async function quietly(work: () => Promise<void>): Promise<void> {
    if (writer === undefined) return
    try {
      await work()
    } catch (error) {
      if (!stopped) options.failed(writer.lastError ?? error)
    }
  }
}
