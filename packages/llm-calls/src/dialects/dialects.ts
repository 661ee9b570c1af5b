import { aiSdkUi } from './ai-sdk-ui.ts'
import { anthropic } from './anthropic.ts'
import { bedrockConverse } from './bedrock-converse.ts'
import { bedrockInvoke } from './bedrock-invoke.ts'
import { cohereChat } from './cohere-chat.ts'
import { cohereEmbed } from './cohere-embed.ts'
import type { Dialect } from './dialect.ts'
import { gemini } from './gemini.ts'
import { ollama } from './ollama.ts'
import { openaiChat } from './openai-chat.ts'
import { openaiCompletions } from './openai-completions.ts'
import { openaiEmbeddings } from './openai-embeddings.ts'
import { openaiMedia } from './openai-media.ts'
import { openaiResponses } from './openai-responses.ts'
import { rerank } from './rerank.ts'

/** Every dialect, the most common first. */
export const DIALECTS: readonly Dialect[] = [
  openaiChat,
  openaiResponses,
  anthropic,
  openaiEmbeddings,
  openaiCompletions,
  gemini,
  bedrockConverse,
  bedrockInvoke,
  ollama,
  cohereChat,
  cohereEmbed,
  rerank,
  openaiMedia,
  aiSdkUi,
]

/** The names by which endpoints of an app refer to a dialect. */
export const DIALECT_NAMES: readonly string[] = DIALECTS.map(({ name }) => name)
