import { createHash } from 'node:crypto'
import { ApiError } from './api-error.mjs'
import { tokensOf, wordsOf } from './text.mjs'

/**
 * Answers a `POST /v1/embeddings`.
 * @param {any} request
 */
export function embeddings({ model, input, dimensions = 256, encoding_format = 'float' }) {
  const texts = [input].flat()
  if (texts.length === 0 || texts.some(text => typeof text !== 'string')) {
    throw new ApiError(400, "'input' must be a string or an array of strings.")
  }
  const data = texts.map((text, index) => {
    const vector = embeddingOf(text, dimensions)
    const embedding =
      encoding_format === 'base64' ? Buffer.from(Float32Array.from(vector).buffer).toString('base64') : vector
    return { object: 'embedding', index, embedding }
  })
  const tokens = texts.reduce((sum, text) => sum + tokensOf(text).length, 0)
  return {
    tokens: 0,
    whole: { object: 'list', model, data, usage: { prompt_tokens: tokens, total_tokens: tokens } },
  }
}

/**
 * A unit vector; texts that share words lie close together.
 * @param {string} text
 * @param {number} dimensions
 */
function embeddingOf(text, dimensions) {
  const vector = new Array(dimensions).fill(0)
  for (const word of wordsOf(text)) vector[placeOf(word, dimensions)] += 1
  const length = Math.hypot(...vector) || 1
  return vector.map(value => value / length)
}

/** @param {string} word @param {number} dimensions */
function placeOf(word, dimensions) {
  return createHash('sha256').update(word).digest().readUInt32BE() % dimensions
}
