import { setTimeout as delay } from 'node:timers/promises'

/** @type {import('openai').OpenAI.ChatCompletionFunctionTool[]} */
export const tools = [
  describe('lookup_order', 'Status and contents of an order', { orderId: { type: 'string' } }),
  describe('estimate_delivery', 'When a parcel will arrive in a city', { city: { type: 'string' } }),
]

/** @type {Record<string, (input: any) => Promise<object>>} */
const implementations = {
  async lookup_order({ orderId }) {
    await delay(15)
    return { order: orderId, status: 'shipped', contents: ['teapot', 'two cups'] }
  },
  async estimate_delivery({ city }) {
    await delay(30)
    return { city, days: 2 }
  },
}

/**
 * @param {string} name
 * @param {unknown} input
 */
export async function runTool(name, input) {
  const implementation = implementations[name]
  if (!implementation) throw new Error(`There is no tool named ${name}.`)
  return implementation(input)
}

/**
 * @param {string} name
 * @param {string} description
 * @param {Record<string, { type: string }>} properties
 * @returns {import('openai').OpenAI.ChatCompletionFunctionTool}
 */
function describe(name, description, properties) {
  const parameters = {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  }
  return { type: 'function', function: { name, description, parameters } }
}
