import type { Answer } from '../answer/answer.ts'
import type { JsonObject } from '../wire/json.ts'

/** What a call is for; the names of OpenTelemetry's `gen_ai.operation.name` where it has one. */
export type Operation =
  | 'chat'
  | 'text_completion'
  | 'generate_content'
  | 'embeddings'
  | 'rerank'
  | 'image_generation'
  | 'speech'
  | 'transcription'

/** What is read of a request. */
export interface CallRequest {
  readonly operation: Operation
  /** The model asked for; undefined if the server chooses it. */
  readonly model: string | undefined
  /** Numbers, switches and modes; no contents. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>
  /** Messages, instructions and the tools offered; undefined for media. */
  readonly input: unknown
  /** The output is text, not a message. */
  readonly plainOutput?: boolean
}

/** How one API writes its requests and answers. */
export interface Dialect {
  /** Unique, such as `openai-chat`. */
  readonly name: string
  /** `gen_ai.provider.name` of a host that is not known. */
  readonly provider: string
  /** Matches the path of a request, without its query; its named groups are given to `request`. */
  readonly path: RegExp
  /** Reads a request's body; returns undefined if it is not a call, because a path alone is no proof. */
  request(body: JsonObject, groups: Readonly<Record<string, string | undefined>>): CallRequest | undefined
  /** True if a whole answer or one event of a stream has the form of this API. */
  recognises(data: JsonObject): boolean
  /** Adds a whole answer or one event of a stream. */
  response(data: JsonObject, answer: Answer): void
  /** Adds what the headers of the response say. */
  headers?(header: (name: string) => string | undefined, answer: Answer): void
}
