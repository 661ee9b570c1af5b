import { createRequire } from 'node:module'

/** Loads a package that is installed for this benchmark alone. */
export const peer = createRequire(new URL('../peers/package.json', import.meta.url))

/** The generation's attributes, in OpenTelemetry's words. */
export function generationAttributes(input) {
  return { 'gen_ai.request.model': 'gpt-4.1-mini', 'gen_ai.input.messages': JSON.stringify(input) }
}
