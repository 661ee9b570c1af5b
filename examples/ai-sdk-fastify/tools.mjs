import { tool } from 'ai'
import { z } from 'zod'

export const tools = {
  lookup_order: tool({
    description: 'Status and contents of an order',
    inputSchema: z.object({ orderId: z.string() }),
    execute: async ({ orderId }) => ({ order: orderId, status: 'shipped', contents: ['teapot', 'two cups'] }),
  }),
}
