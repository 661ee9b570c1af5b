import { observe, startActiveObservation } from '@langfuse/tracing'
import { runTool, tools } from './agent-tools.mjs'

const maxTurns = 5

/**
 * An agent that answers questions about orders with the help of tools.
 * @param {import('openai').OpenAI} openai
 */
export function createAgent(openai) {
  return observe(runAgent, { name: 'support-agent', asType: 'agent', captureInput: false })

  /**
   * @param {string} question
   * @param {{ model: string, signal: AbortSignal }} options
   * @returns {Promise<string>}
   */
  async function runAgent(question, { model, signal }) {
    /** @type {import('openai').OpenAI.ChatCompletionMessageParam[]} */
    const messages = [
      { role: 'system', content: 'You help customers of a small shop. Look orders up before you answer.' },
      { role: 'user', content: question },
    ]
    for (let turn = 0; turn < maxTurns; turn++) {
      const completion = await openai.chat.completions.create({ model, messages, tools }, { signal })
      const message = completion.choices[0]?.message
      if (!message?.tool_calls) return message?.content ?? ''
      messages.push(message, ...(await Promise.all(message.tool_calls.map(callTool))))
    }
    throw new Error(`The agent did not finish within ${maxTurns} turns.`)
  }
}

/**
 * @param {import('openai').OpenAI.ChatCompletionMessageToolCall} call
 * @returns {Promise<import('openai').OpenAI.ChatCompletionToolMessageParam>}
 */
async function callTool(call) {
  if (call.type !== 'function') throw new Error(`No tool of type ${call.type} here.`)
  const { name, arguments: json } = call.function
  return startActiveObservation(
    name,
    async tool => {
      const input = JSON.parse(json)
      const output = await runTool(name, input)
      tool.update({ input, output })
      return { role: /** @type {const} */ ('tool'), tool_call_id: call.id, content: JSON.stringify(output) }
    },
    { asType: 'tool' },
  )
}
