// Names of OpenTelemetry's `gen_ai.provider.name`, and in its style for those it does not know.
const PROVIDERS: readonly (readonly [RegExp, string])[] = [
  [/\.openai\.azure\.com$|\.services\.ai\.azure\.com$|\.cognitiveservices\.azure\.com$/, 'azure.ai.openai'],
  [
    /\.models\.ai\.azure\.com$|^models\.github\.ai$|^models\.inference\.ai\.azure\.com$/,
    'azure.ai.inference',
  ],
  [/(?:^|\.)openai\.com$/, 'openai'],
  [/(?:^|\.)anthropic\.com$/, 'anthropic'],
  [/^generativelanguage\.googleapis\.com$/, 'gcp.gemini'],
  [/aiplatform\.googleapis\.com$/, 'gcp.vertex_ai'],
  [/^bedrock.*\.amazonaws\.com(?:\.cn)?$|\.api\.aws$/, 'aws.bedrock'],
  [/(?:^|\.)groq\.com$/, 'groq'],
  [/(?:^|\.)mistral\.ai$/, 'mistral_ai'],
  [/(?:^|\.)deepseek\.com$/, 'deepseek'],
  [/(?:^|\.)x\.ai$/, 'x_ai'],
  [/(?:^|\.)cohere\.(?:com|ai)$/, 'cohere'],
  [/(?:^|\.)perplexity\.ai$/, 'perplexity'],
  [/(?:^|\.)ml\.cloud\.ibm\.com$/, 'ibm.watsonx.ai'],
  [/(?:^|\.)openrouter\.ai$/, 'openrouter'],
  [/(?:^|\.)together\.(?:xyz|ai)$/, 'together_ai'],
  [/(?:^|\.)fireworks\.ai$/, 'fireworks_ai'],
  [/(?:^|\.)moonshot\.(?:ai|cn)$/, 'moonshot_ai'],
  [/(?:^|\.)cerebras\.ai$/, 'cerebras'],
  [/(?:^|\.)voyageai\.com$/, 'voyage_ai'],
  [/(?:^|\.)jina\.ai$/, 'jina_ai'],
  [/(?:^|\.)huggingface\.co$/, 'hugging_face'],
]

/** The provider at a host; `otherwise` if the host is not known. */
export function providerAt(host: string, path: string, otherwise: string): string {
  const known = PROVIDERS.find(([pattern]) => pattern.test(host))?.[1]
  if (known !== undefined) return known
  if (/\/openai\/deployments\//.test(path)) return 'azure.ai.openai'
  return /^\/v1(?:beta1)?\/projects\//.test(path) ? 'gcp.vertex_ai' : otherwise
}
