import { members, type WireShape } from './wire-shape.ts'

const TYPES = new Set([
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
  'ping',
])

/** Anthropic's messages. */
export const anthropicStream: WireShape = {
  recognises: ({ type }) => TYPES.has(type as string),
  read(data, answer) {
    const block = members(data.content_block)
    const delta = members(data.delta)
    if (data.type === 'content_block_start') {
      answer.text(block.text)
      // Its input starts out as an empty object, which the deltas then spell out.
      if (String(block.type).endsWith('tool_use')) answer.tool(data.index, { id: block.id, name: block.name })
    }
    if (data.type !== 'content_block_delta') return
    answer.text(delta.text)
    if (delta.partial_json !== undefined) answer.tool(data.index, { arguments: delta.partial_json })
    if (delta.thinking) answer.thought()
  },
}
