import { wordsOf } from './text.mjs'

/**
 * The verdict that a judge is asked for: the share of the expected words that the answer has; undefined for any other conversation.
 * @param {string} instructions
 * @param {string} subject
 */
export function gradeOf(instructions, subject) {
  if (!/\brubric\b/i.test(instructions)) return undefined
  const { answer, expected } = parsed(subject)
  if (expected === undefined) return JSON.stringify({ reason: 'There is nothing to compare with.', score: 1 })
  const wanted = [...wordsOf(JSON.stringify(expected))]
  const given = wordsOf(JSON.stringify(answer ?? ''))
  const missing = wanted.filter(word => !given.has(word))
  const reason = missing.length === 0 ? 'It has the expected fact.' : `It lacks: ${missing.join(', ')}.`
  return JSON.stringify({ reason, score: wanted.length === 0 ? 1 : 1 - missing.length / wanted.length })
}

/** @param {string} json @returns {{ answer?: unknown, expected?: unknown }} */
function parsed(json) {
  try {
    return JSON.parse(json)
  } catch {
    return {}
  }
}
