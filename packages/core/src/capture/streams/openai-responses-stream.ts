import { members, type WireShape } from './wire-shape.ts'

/** OpenAI's responses API. */
export const openaiResponsesStream: WireShape = {
  recognises: ({ type }) => typeof type === 'string' && type.startsWith('response.'),
  read(data, answer) {
    const item = members(data.item)
    switch (data.type) {
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        return answer.text(data.delta)
      case 'response.output_item.added':
        if (item.type !== 'function_call' && item.type !== 'custom_tool_call') return
        return answer.tool(data.output_index, { id: item.call_id, name: item.name })
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return answer.tool(data.output_index, { arguments: data.delta })
      default:
        if (String(data.type).startsWith('response.reasoning') && data.delta) answer.thought()
    }
  },
}
