import type { Answer } from '../answer/answer.ts'
import { converseUsage } from '../answer/usage.ts'
import { items, type JsonObject, members } from '../wire/json.ts'
import type { Dialect } from './dialect.ts'
import { modelName, parametersOf, pick } from './parameters.ts'

const EVENTS = [
  'messageStart',
  'contentBlockStart',
  'contentBlockDelta',
  'contentBlockStop',
  'messageStop',
  'metadata',
] as const

/** Bedrock's converse, and Amazon's own models, whose bodies look the same. */
export const bedrockConverse: Dialect = {
  name: 'bedrock-converse',
  provider: 'aws.bedrock',
  path: /\/model\/(?<model>[^/]+)\/converse(?:-stream)?$/,
  request(body, { model }) {
    if (!Array.isArray(body.messages)) return undefined
    return {
      operation: 'chat',
      model: modelName(model),
      parameters: {
        ...parametersOf(members(body.inferenceConfig)),
        ...parametersOf(members(body.performanceConfig)),
      },
      input: pick(body, ['system', 'messages', 'toolConfig', 'promptVariables']),
    }
  },
  recognises: data =>
    members(data.output).message !== undefined || EVENTS.some(name => data[name] !== undefined),
  response(data, answer) {
    const message = members(members(data.output).message)
    for (const [index, block] of items(message.content).entries()) readBlock(block, answer, index)
    const started = members(data.contentBlockStart)
    readBlock(members(started.start), answer, started.contentBlockIndex)
    const changed = members(data.contentBlockDelta)
    readBlock(members(changed.delta), answer, changed.contentBlockIndex)
    const { stopReason } = members(data.messageStop)
    answer.state({ finishReason: data.stopReason ?? stopReason })
    const usage = data.usage ?? members(data.metadata).usage
    if (usage) answer.usage(usage, converseUsage)
    answer.parameter('service_tier', members(data.serviceTier).type)
  },
  headers(header, answer) {
    answer.state({ id: header('x-amzn-requestid') })
  },
}

/** A block, its start, or a change of it. */
function readBlock(block: JsonObject, answer: Answer, index: unknown): void {
  answer.text(block.text)
  const thought = members(block.reasoningContent)
  answer.reasoning(thought.text ?? members(thought.reasoningText).text)
  const { toolUseId: id, name, input } = members(block.toolUse)
  if (block.toolUse)
    answer.tool({ index, id, name, ...(typeof input === 'string' ? { arguments: input } : { input }) })
}
