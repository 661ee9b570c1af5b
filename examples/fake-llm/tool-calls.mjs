import { createHash } from 'node:crypto'
import { overlapOf } from './text.mjs'

/**
 * @typedef {{ type?: string, enum?: unknown[], properties?: Record<string, Schema> }} Schema
 * @typedef {{ type: 'function', function: { name: string, description?: string, parameters?: Schema } }} Tool
 * @typedef {{ id: string, type: 'function', function: { name: string, arguments: string } }} ToolCall
 */

/**
 * Calls every tool whose name or description shares a word with the question; a forced tool in any case.
 * @param {string} question
 * @param {Tool[]} tools
 * @param {unknown} choice - `tool_choice` of the request
 * @returns {ToolCall[]}
 */
export function callsFor(question, tools, choice) {
  if (choice === 'none') return []
  return toolsFor(question, tools, choice).map(tool => {
    const { name, parameters } = tool.function
    const args = JSON.stringify(argumentsFor(question, parameters ?? {}))
    const id = createHash('sha256').update(`${name} ${args}`).digest('hex').slice(0, 12)
    return { id: `call_${id}`, type: 'function', function: { name, arguments: args } }
  })
}

/** @param {string} question @param {Tool[]} tools @param {any} choice */
function toolsFor(question, tools, choice) {
  const forced = choice?.function?.name
  if (forced) return tools.filter(tool => tool.function.name === forced)
  const fitting = tools.filter(({ function: { name, description = '' } }) =>
    overlapOf(question, `${name.replaceAll('_', ' ')} ${description}`),
  )
  return choice === 'required' && fitting.length === 0 ? tools.slice(0, 1) : fitting
}

/** @param {string} question @param {Schema} schema @returns {Record<string, unknown>} */
function argumentsFor(question, schema) {
  const properties = Object.entries(schema.properties ?? {})
  return Object.fromEntries(properties.map(([name, property]) => [name, valueFor(question, name, property)]))
}

/** @param {string} question @param {string} name @param {Schema} property @returns {unknown} */
function valueFor(question, name, property) {
  if (property.enum) return property.enum.find(value => question.includes(String(value))) ?? property.enum[0]
  const number = question.match(/-?\d+(?:\.\d+)?/)?.[0]
  if (property.type === 'number') return Number(number ?? 1)
  if (property.type === 'integer') return Math.trunc(Number(number ?? 1))
  if (property.type === 'boolean') return true
  if (property.type === 'array') return []
  if (property.type === 'object') return argumentsFor(question, property)
  if (number && /id|number|code$/i.test(name)) return number
  return question.match(/(?<=\S )\p{Lu}[\p{L}-]+/u)?.[0] ?? number ?? question
}
