import { gradeOf } from './grade.mjs'
import { closest, sentencesOf, wordsOf } from './text.mjs'
import { callsFor } from './tool-calls.mjs'

/**
 * @typedef {{ role: string, content?: unknown, tool_calls?: unknown[] }} Message
 * @typedef {{ content: string | null, toolCalls: import('./tool-calls.mjs').ToolCall[] }} Answer
 */

/**
 * What the fake LLM says next in a conversation: always the same for the same messages and tools.
 * @param {Message[]} messages
 * @param {import('./tool-calls.mjs').Tool[]} [tools]
 * @param {unknown} [toolChoice]
 * @returns {Answer}
 */
export function answer(messages, tools = [], toolChoice = 'auto') {
  const asked = messages.findLastIndex(message => message.role === 'user')
  const question = textOf(messages[asked])
  const grade = gradeOf(textOf(messages[0]), question)
  if (grade !== undefined) return say(grade)
  const results = messages.slice(asked + 1).filter(message => message.role === 'tool')
  if (results.length > 0) return say(fromToolResults(results.map(textOf)))
  const toolCalls = callsFor(question, tools, toolChoice)
  if (toolCalls.length > 0) return { content: null, toolCalls }

  const passages = messages.flatMap(message => passagesOf(textOf(message)))
  if (passages.length > 0) return say(fromPassages(question, passages))
  if (/^summari[sz]e/i.test(question)) return say(summaryOf(question))
  return say(smallTalk(question, messages.filter(message => message.role === 'user').length))
}

/**
 * The text of a message, whether given as a string or in parts.
 * @param {Message | undefined} message
 * @returns {string}
 */
export function textOf(message) {
  if (typeof message?.content === 'string') return message.content
  if (!Array.isArray(message?.content)) return ''
  return message.content.map(part => (typeof part?.text === 'string' ? part.text : '')).join(' ')
}

/** @param {string} content @returns {Answer} */
function say(content) {
  return { content, toolCalls: [] }
}

/** Lines such as `[2] Refunds take five days.`, as retrieval puts them into a prompt. @param {string} text */
function passagesOf(text) {
  return [...text.matchAll(/^\[(\d+)\]\s*(.+)$/gm)].map(([, number, passage]) => ({
    number,
    passage: passage ?? '',
  }))
}

/** @param {string} question @param {ReturnType<typeof passagesOf>} passages */
function fromPassages(question, passages) {
  const sentences = passages.flatMap(({ number, passage }) =>
    sentencesOf(passage).map(sentence => ({ number, sentence })),
  )
  const best = closest(question, sentences, ({ sentence }) => sentence)
  if (!best) return 'The documents do not answer that.'
  return `According to the documents: “${best.sentence}” [${best.number}]`
}

/** @param {string[]} results */
function fromToolResults(results) {
  return `Here is what I found. ${results.map(phrase).join(' ')}`
}

/** @param {string} result */
function phrase(result) {
  try {
    const facts = Object.entries(JSON.parse(result)).map(
      ([key, value]) => `${key} is ${JSON.stringify(value)}`,
    )
    return `The ${facts.join(', the ').replaceAll('"', '')}.`
  } catch {
    return result.trim()
  }
}

/** @param {string} request */
function summaryOf(request) {
  const text = request.replace(/^summari[sz]e[^:\n]*[:\n]\s*/i, '')
  const sentences = sentencesOf(text)
  if (sentences.length <= 1) return `In short: ${text}`
  return `In short: ${sentences[0]} (${sentences.length} sentences, ${wordsOf(text).size} different words.)`
}

/** @param {string} question @param {number} turn */
function smallTalk(question, turn) {
  const words = question.match(/[\p{L}\p{N}]+/gu) ?? []
  const topic = words.filter(word => wordsOf(word).size > 0).slice(0, 3)
  const about = topic.length > 0 ? topic.join(', ') : 'nothing in particular'
  const opening =
    turn > 1 ? `That is your question number ${turn}, about ${about}.` : `You ask about ${about}.`
  const answer =
    `${opening} I am a fake language model: I answer the same question in the same words every time, ` +
    'count my tokens, and never leave this machine.'
  const ending = ' It went on like this for a while, and then for a while longer.'
  return /\blong (?:answer|story|text)\b/i.test(question) ? answer + ending.repeat(30) : answer
}
