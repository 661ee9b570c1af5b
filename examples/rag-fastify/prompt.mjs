/**
 * Puts the retrieved documents before the question, numbered so that the answer can cite them.
 * @param {string} question
 * @param {import('./documents.mjs').Document[]} documents
 * @returns {import('openai').OpenAI.ChatCompletionMessageParam[]}
 */
export function promptOf(question, documents) {
  const passages = documents.map(({ text }, place) => `[${place + 1}] ${text}`).join('\n')
  return [
    { role: 'system', content: `Answer from these documents only, and cite them by number.\n${passages}` },
    { role: 'user', content: question },
  ]
}
