import { tool } from '@langchain/core/tools'
import { MessagesAnnotation, StateGraph } from '@langchain/langgraph'
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt'
import { z } from 'zod'

const lookUpOrder = tool(
  async ({ orderId }) =>
    JSON.stringify({ order: orderId, status: 'shipped', contents: ['teapot', 'two cups'] }),
  {
    name: 'lookup_order',
    description: 'Status and contents of an order',
    schema: z.object({ orderId: z.string() }),
  },
)

/**
 * An agent that answers questions about orders with the help of a tool.
 * @param {import('@langchain/openai').ChatOpenAI} model
 */
export function createAgent(model) {
  const withTools = model.bindTools([lookUpOrder])
  return new StateGraph(MessagesAnnotation)
    .addNode('model', async ({ messages }) => ({ messages: [await withTools.invoke(messages)] }))
    .addNode('tools', new ToolNode([lookUpOrder]))
    .addEdge('__start__', 'model')
    .addConditionalEdges('model', toolsCondition)
    .addEdge('tools', 'model')
    .compile()
}
