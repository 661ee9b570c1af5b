import type { Observation } from './observation.ts'

/** A generation as it can be sent again. */
export interface PlaygroundCall {
  url: string
  model: string
  /** Which field of the body holds the messages. */
  field: 'messages' | 'contents' | 'input'
  messages: unknown[]
  /** The rest of the body: parameters, tools, instructions. */
  parameters: Record<string, unknown>
}

const defaultMaxTokens = 1_024

/** Reads address, model, messages and parameters from a generation; what is missing is guessed from the model. */
export function readCall({
  input,
  model = '',
  modelParameters,
  attributes,
  metadata,
}: Observation): PlaygroundCall {
  const fields = isRecord(input) ? input : {}
  const field = Array.isArray(fields.contents)
    ? 'contents'
    : 'input' in fields && !('messages' in fields)
      ? 'input'
      : 'messages'
  const held = Array.isArray(input) ? input : fields[field]
  const messages = Array.isArray(held)
    ? held
    : [
        {
          role: 'user',
          content:
            typeof held === 'string' ? held : typeof input === 'string' ? input : JSON.stringify(input ?? ''),
        },
      ]
  const { [field]: _, model: __, stream: ___, ...rest } = fields
  const sent = isRecord(modelParameters) ? modelParameters : {}
  const url = addressOf(attributes, metadata) ?? guessAddress(model, field)
  const parameters = {
    ...Object.fromEntries(Object.entries(sent).map(([name, value]) => [name, typed(value)])),
    ...(isRecord(input) && !Array.isArray(input) ? rest : {}),
  }
  if (/\/v1\/messages$/.test(url) && !('max_tokens' in parameters)) parameters.max_tokens = defaultMaxTokens
  return { url, model, field, messages, parameters }
}

/** The body to send, streamed. */
export function toBody({ url, model, field, messages, parameters }: PlaygroundCall): Record<string, unknown> {
  // Gemini has model and streaming in its address.
  if (field === 'contents') return { contents: messages, ...parameters }
  return {
    model,
    [field]: messages,
    ...parameters,
    stream: true,
    ...(/\/chat\/completions$/.test(url) && { stream_options: { include_usage: true } }),
  }
}

function addressOf(
  attributes: Observation['attributes'],
  metadata: Observation['metadata'],
): string | undefined {
  const whole = [attributes['url.full'], metadata.url, metadata.endpoint].find(
    value => typeof value === 'string' && /^https?:\/\//.test(value),
  )
  if (typeof whole === 'string') return whole
  const host = attributes['server.address'] ?? metadata['server.address']
  const path = attributes['url.path'] ?? metadata['url.path'] ?? metadata.path
  if (typeof host !== 'string' || typeof path !== 'string') return undefined
  const port = attributes['server.port'] ?? metadata['server.port']
  const isSecure = port === undefined || Number(port) === 443
  return `${isSecure ? 'https' : 'http'}://${host}${isSecure ? '' : `:${port}`}${path}`
}

function guessAddress(model: string, field: PlaygroundCall['field']): string {
  if (field === 'contents') {
    return `https://generativelanguage.googleapis.com/v1beta/models/${model}:streamGenerateContent?alt=sse`
  }
  if (/claude/i.test(model)) return 'https://api.anthropic.com/v1/messages'
  return `https://api.openai.com/v1/${field === 'input' ? 'responses' : 'chat/completions'}`
}

/** Langfuse keeps parameters as strings. */
function typed(value: unknown): unknown {
  if (typeof value !== 'string' || !/^(?:-?\d+(?:\.\d+)?|true|false|[[{].*)$/s.test(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
