import { type JsonObject, text } from '../wire/json.ts'

type Parameters = Record<string, string | number | boolean>

// Strings that are modes. Any other string may be content.
const MODES = new Set([
  'service_tier',
  'speed',
  'reasoning_effort',
  'verbosity',
  'encoding_format',
  'truncation',
  'quality',
  'size',
  'style',
  'voice',
  'response_format',
  'input_type',
  'inputType',
  'task_type',
  'taskType',
  'language',
  'format',
  'keep_alive',
  'safety_mode',
  'responseMimeType',
])
// Objects of which only a mode matters.
const MODE_OF: Readonly<Record<string, string>> = {
  response_format: 'type',
  thinking: 'type',
  reasoning: 'effort',
  tool_choice: 'type',
}
const MAX_PARAMETERS = 40

/** The numbers, switches and modes among `members`; `stream` is left to what the answer shows. */
export function parametersOf(members: JsonObject): Parameters {
  const parameters: Parameters = {}
  let room = MAX_PARAMETERS
  for (const [name, value] of Object.entries(members)) {
    if (room === 0) break
    const mode =
      typeof value === 'object' && value !== null ? (value as JsonObject)[MODE_OF[name] ?? ''] : value
    const isMode = typeof mode === 'string' && (MODES.has(name) || name in MODE_OF)
    if (typeof mode !== 'number' && typeof mode !== 'boolean' && !isMode) continue
    room -= 1
    parameters[name] = isMode ? (mode as string).slice(0, 100) : (mode as number | boolean)
  }
  const stop = members.stop ?? members.stop_sequences ?? members.stopSequences
  const stops = typeof stop === 'string' ? [stop] : stop
  if (Array.isArray(stops) && stops.length > 0) parameters.stop = JSON.stringify(stops).slice(0, 200)
  return parameters
}

/** A model's name as price lists know it: decoded, without `models/`, the last part of a resource name. */
export function modelName(value: unknown): string | undefined {
  const name = text(value)
  if (name === undefined) return undefined
  let decoded = name
  try {
    decoded = decodeURIComponent(name)
  } catch {
    // A name with a percent sign of its own.
  }
  if (/^(?:arn:|models\/|projects\/|publishers\/)/.test(decoded))
    decoded = decoded.slice(decoded.lastIndexOf('/') + 1)
  return decoded.slice(0, 200)
}

/** The members of `body` that are there, in the order of `names`. */
export function pick(body: JsonObject, names: readonly string[]): Record<string, unknown> {
  const picked: Record<string, unknown> = {}
  for (const name of names) {
    const value = body[name]
    if (value !== undefined && value !== null) picked[name] = value
  }
  return picked
}
