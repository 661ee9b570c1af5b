import type { Dialect } from './dialect.ts'

const TYPE =
  /^(?:start|finish|abort|(?:start|finish)-step|message-metadata|(?:text|reasoning)-(?:start|delta|end)|tool-(?:input|output|approval)-.+|source-(?:url|document)|file|data-.+)$/

/** The UI message stream of Vercel's AI SDK: what a server answers its browser with, never what it asks a model. */
export const aiSdkUi: Dialect = {
  name: 'ai-sdk-ui',
  provider: 'ai-sdk',
  path: /(?!)/,
  request: () => undefined,
  recognises: ({ type }) => typeof type === 'string' && TYPE.test(type),
  response(data, answer) {
    const { toolCallId: id, toolName: name } = data
    switch (data.type) {
      case 'text-delta':
        return answer.text(data.delta)
      case 'reasoning-delta':
        return answer.reasoning(data.delta)
      case 'tool-input-start':
        return answer.tool({ id, name })
      case 'tool-input-delta':
        return answer.tool({ id, arguments: data.inputTextDelta })
      case 'tool-input-available':
        return answer.tool({ id, name, input: data.input })
    }
  },
}
