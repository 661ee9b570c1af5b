import type { AnswerContent } from '../answer/answer.ts'
import type { CallRequest, Operation } from '../dialects/dialect.ts'
import type { End } from './outgoing-request.ts'

/** One call of an LLM, as it goes over the wire. */
export interface LlmCall<Context = unknown> {
  /** What the hook `context` returned when the app made the call. */
  readonly context: Context
  readonly type: 'generation' | 'embedding' | 'retriever'
  readonly operation: Operation
  /** Name of the dialect that reads the call. */
  readonly dialect: string
  /** `gen_ai.provider.name`, by the host. */
  readonly provider: string
  readonly serverAddress: string
  readonly serverPort: number | undefined
  /** The model that was asked for; `content().model` is the one that answered. */
  readonly requestModel: string | undefined
  readonly parameters: CallRequest['parameters']
  /** Attempts of the same call that failed before. */
  readonly retries: number
  /** Epoch time in ms. */
  readonly startedAt: number
  /** When the first token of a stream arrived. Epoch time in ms. */
  readonly firstTokenAt: number | undefined
  /** Epoch time in ms; undefined while the call runs. */
  readonly endedAt: number | undefined
  readonly statusCode: number | undefined
  readonly end: End | undefined
  /** The error of the provider or of the connection; never holds a credential of the request. */
  readonly error: string | undefined
  /** The answer as far as it has arrived. */
  content(): AnswerContent
}

/** The type of Langfuse's observation for an operation. */
export function typeOf(operation: Operation): LlmCall['type'] {
  if (operation === 'embeddings') return 'embedding'
  return operation === 'rerank' ? 'retriever' : 'generation'
}
