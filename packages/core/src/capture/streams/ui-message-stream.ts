import type { WireShape } from './wire-shape.ts'

const TYPE =
  /^(?:start|finish|abort|(?:start|finish)-step|message-metadata|(?:text|reasoning)-(?:start|delta|end)|tool-(?:input|output|approval)-.+|source-(?:url|document)|file|data-.+)$/

/** The UI message stream of Vercel's AI SDK. */
export const uiMessageStream: WireShape = {
  recognises: ({ type }) => typeof type === 'string' && TYPE.test(type),
  read(data, answer) {
    const { toolCallId: id, toolName: name } = data
    switch (data.type) {
      case 'text-delta':
        return answer.text(data.delta)
      case 'reasoning-delta':
        return answer.thought()
      case 'tool-input-start':
        return answer.tool(id, { id, name })
      case 'tool-input-delta':
        return answer.tool(id, { arguments: data.inputTextDelta })
      case 'tool-input-available':
        return answer.tool(id, { id, name, input: data.input })
    }
  },
}
