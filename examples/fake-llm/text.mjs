const fillers = new Set(
  (
    'the and are can did does for from has have how its may not our she that them then there they this was what ' +
    'when where which who why will with would you your about please'
  ).split(' '),
)

/**
 * Cuts text into pieces about as long as a model's tokens; joined, they are the text again.
 * @param {string} text
 * @returns {string[]}
 */
export function tokensOf(text) {
  return text.match(/\s*\S{1,5}|\s+$/gu) ?? []
}

/**
 * The words that carry meaning, in lower case and without common endings.
 * @param {string} text
 * @returns {Set<string>}
 */
export function wordsOf(text) {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? []
  const telling = words.filter(word => !fillers.has(word))
  return new Set(telling.map(word => word.replace(/(?<=\p{L}{3})(?:ies|es|s|ing|ed|y|e)$/u, '')))
}

/**
 * How many meaningful words of the question occur in the text.
 * @param {string} question
 * @param {string} text
 */
export function overlapOf(question, text) {
  const words = wordsOf(text)
  return [...wordsOf(question)].filter(word => words.has(word)).length
}

/**
 * The candidate that shares most words with the question, the first of equals, if any shares one.
 * @template T
 * @param {string} question
 * @param {T[]} candidates
 * @param {(candidate: T) => string} textOf
 * @returns {T | undefined}
 */
export function closest(question, candidates, textOf) {
  const scored = candidates.map(candidate => ({ candidate, score: overlapOf(question, textOf(candidate)) }))
  const best = Math.max(...scored.map(({ score }) => score))
  return best > 0 ? scored.find(({ score }) => score === best)?.candidate : undefined
}

/**
 * Cuts text into sentences.
 * @param {string} text
 * @returns {string[]}
 */
export function sentencesOf(text) {
  return text.split(/(?<=[.!?])\s+/u).filter(Boolean)
}
