export type { Answer, AnswerContent, AnswerFacts, AssistantMessage } from './answer/answer.ts'
export { createTextParts, type TextParts } from './answer/text-parts.ts'
export type { ToolCall, ToolPiece } from './answer/tool-calls.ts'
export type { Usage, UsageReader } from './answer/usage.ts'
export type { CallRequest, Dialect, Operation } from './dialects/dialect.ts'
export { DIALECT_NAMES } from './dialects/dialects.ts'
export { createStreamedAnswer, type StreamedAnswer } from './reading/streamed-answer.ts'
export { watchCreatedRequests } from './watch/created-requests.ts'
export type { LlmCall } from './watch/llm-call.ts'
export type { End } from './watch/outgoing-request.ts'
export type { UnreadReason } from './watch/request-body.ts'
export {
  type Endpoint,
  type LlmWatch,
  type WatchOptions,
  type WatchStats,
  watchLlmCalls,
} from './watch/watch-llm-calls.ts'
export { closeJson } from './wire/close-json.ts'
