import { createRedactor } from '@langfuse-middleware/delivery/options'
import { isCredentialKey } from './credential-names.ts'

/** Stands for a value that must not leave. */
export const REDACTED = '[redacted]'

/** One test that no text without a known key fails, because most texts have none. */
const ANY =
  /eyJ|[sr]k[-_]|gh[opsur]_|github_pat_|glpat-|A[KS]IA|AIza|xox[a-z]-|xapp-|npm_|hf_|gsk_|xai-|pplx-|ya29\.|SG\.|whsec_|shp[a-z]{2}_|dop_v1_|PRIVATE KEY/

// Each expression starts where no key goes on from before, and takes characters of one kind, so that no text is read more than twice.
const FORMATS: readonly RegExp[] = [
  // JSON Web Tokens
  /(?<![\w-])eyJ[\w-]{6,}\.[\w-]{4,}(?:\.[\w-]*)?/g,
  // OpenAI, Anthropic, Stripe and others; class names such as sk-fading-circle have no digit.
  /(?<![\w-])[sr]k[-_](?=[\w-]*\d)[\w-]{16,}/g,
  // GitHub, GitLab, npm
  /(?<!\w)(?:gh[opsur]_|github_pat_|npm_)\w{20,}/g,
  /(?<![\w-])glpat-[\w-]{16,}/g,
  // AWS, Google
  /(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])/g,
  /(?<![\w-])AIza[\w-]{30,}/g,
  /(?<![\w-])ya29\.[\w-]{16,}/g,
  // Slack
  /(?<![\w-])(?:xox[a-z]|xapp)-[\w-]{10,}/g,
  // Hugging Face, Groq, xAI, Perplexity, SendGrid, webhooks, Shopify, DigitalOcean
  /(?<!\w)(?:hf_|gsk_|whsec_|shp[a-z]{2}_|dop_v1_)\w{20,}/g,
  /(?<![\w-])(?:xai|pplx)-\w{20,}/g,
  /(?<![\w-])SG\.[\w-]{16,}\.[\w-]{16,}/g,
  /-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]{0,40}-----|$)/g,
]

const ELEMENT = /<([\w:.-]{1,64})>([^<]{1,65536})(?=<\/)/g
const FLAG = /(?<![\w-])(--([a-z][\w-]{1,62})[ \t]+)(?!-)([^\s"']+|"[^"\n]*"?|'[^'\n]*'?)/gi

const redactCredentials = createRedactor()

/** Replaces what looks like a key by itself: known formats, HTTP credentials, passwords of URLs, XML elements and flags of a command line. */
export function redactFormats(text: string): string {
  let result = redactCredentials(text)
  if (ANY.test(result)) for (const format of FORMATS) result = result.replace(format, REDACTED)
  if (result.includes('</')) {
    result = result.replace(ELEMENT, (element, name: string) =>
      isCredentialKey(name) ? `<${name}>${REDACTED}` : element,
    )
  }
  if (result.includes('--')) {
    result = result.replace(FLAG, (flag, start: string, name: string) =>
      isCredentialKey(name) ? start + REDACTED : flag,
    )
  }
  return result
}
