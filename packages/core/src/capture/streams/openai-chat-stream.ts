import { items, members, type WireShape } from './wire-shape.ts'

/** OpenAI's chat completions and what is compatible with them, the older text completions too. */
export const openaiChatStream: WireShape = {
  recognises: data => Array.isArray(data.choices),
  read(data, answer) {
    for (const choice of items(data.choices)) {
      const index = choice.index ?? 0
      const delta = members(choice.delta)
      answer.text(delta.content ?? delta.refusal ?? choice.text, index)
      if (delta.reasoning_content || delta.reasoning) answer.thought()
      for (const call of items(delta.tool_calls)) {
        const { name, arguments: text } = members(call.function)
        answer.tool(call.index ?? call.id, { id: call.id, name, arguments: text }, index)
      }
      if (delta.function_call !== undefined) answer.tool('function_call', members(delta.function_call), index)
    }
  },
}
