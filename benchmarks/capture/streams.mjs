// What is streamed, as pieces of the size that it commonly has.

/** How much one response streams: so much that what a request costs by itself does not show. */
export const megabytes = 16

const MEGABYTE = 1024 * 1024
const TEXT = 'The quick brown fox jumps over the lazy dog, and '

function delta(content) {
  const chunk = {
    id: 'chatcmpl-9x2JmZ0wq',
    object: 'chat.completion.chunk',
    created: 1795000000,
    model: 'gpt-4.1-mini',
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
  }
  return `data: ${JSON.stringify(chunk)}\n\n`
}

function pieces(piece) {
  return Array.from({ length: Math.round(MEGABYTE / Buffer.byteLength(piece)) }, () => piece)
}

/** By name: content type, and the pieces of one megabyte. */
export const streams = {
  'chat completions, a token each': { type: 'text/event-stream', pieces: pieces(delta('fox ')) },
  'text, 1 KiB each': { type: 'text/plain', pieces: pieces(TEXT.repeat(21)) },
  'text, 64 KiB each': { type: 'text/plain', pieces: pieces(TEXT.repeat(1_337)) },
}
