/** A server that runs for a test. */
export interface Engine {
  readonly port: number
  /** Kills the process, by default with SIGKILL, and waits for its end. Its data stay. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again with the same data and port. */
  restart(): Promise<void>
  /** Kills it and removes its data. */
  stop(): Promise<void>
  log(): string
}

export interface QueueEngine extends Engine {
  /** Address for `queueFromUrl`. */
  readonly url: string
  /** Sends a signal, such as SIGSTOP, without waiting. */
  signal(name: NodeJS.Signals): void
}

export interface Kafka extends QueueEngine {
  readonly brokers: string[]
}

export function startKafka(options?: {
  port?: number
  dataDirectory?: string
  properties?: Record<string, string | number | boolean>
}): Promise<Kafka>
export function startElasticMq(options?: {
  port?: number
  queues?: string[]
}): Promise<QueueEngine & { readonly endpoint: string }>
export function startRedis(options?: {
  port?: number
  password?: string
  maxMemory?: string
}): Promise<QueueEngine>
export function whyNoJvm(): string | undefined
export function whyNoRedis(): string | undefined
export function startCollector(options: {
  config: string
  port: number
  env?: Record<string, string>
}): Promise<Engine>
export function whyNoCollector(): string | undefined
export function freePort(): Promise<number>
