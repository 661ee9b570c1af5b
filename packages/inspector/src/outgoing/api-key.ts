/** Variables with the keys of providers, by the host that they are sent to and to no other. */
const variables: Record<string, readonly string[]> = {
  'api.openai.com': ['OPENAI_API_KEY'],
  'api.anthropic.com': ['ANTHROPIC_API_KEY'],
  'generativelanguage.googleapis.com': ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
  'api.mistral.ai': ['MISTRAL_API_KEY'],
  'api.deepseek.com': ['DEEPSEEK_API_KEY'],
  'openrouter.ai': ['OPENROUTER_API_KEY'],
  'api.groq.com': ['GROQ_API_KEY'],
  'api.x.ai': ['XAI_API_KEY'],
  'api.cohere.com': ['COHERE_API_KEY'],
  'api.together.xyz': ['TOGETHER_API_KEY'],
}

/** The variable of this process that holds the key for an address; `undefined` if there is none. */
export function keyVariable(url: URL, env: NodeJS.ProcessEnv): string | undefined {
  if (url.protocol !== 'https:') return undefined
  return variables[url.hostname]?.find(name => env[name])
}

/** The headers that carry a key, as the provider wants them. */
export function keyHeaders(url: URL, key: string | undefined): Record<string, string> {
  const isAnthropic = /\/v1\/messages$/.test(url.pathname)
  return {
    ...(isAnthropic && { 'anthropic-version': '2023-06-01' }),
    ...(key === undefined
      ? {}
      : isAnthropic
        ? { 'x-api-key': key }
        : /:(?:stream)?generateContent$/i.test(url.pathname)
          ? { 'x-goog-api-key': key }
          : { authorization: `Bearer ${key}` }),
  }
}
