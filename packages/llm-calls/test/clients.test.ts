import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { AnswerContent, LlmCall } from '../src/index.ts'
import { startLlmApis } from './support/llm-apis.ts'

interface Seen {
  readonly call: LlmCall
  readonly input: unknown
  readonly content: AnswerContent
}

const NODE_MAJOR = Number(process.versions.node.split('.')[0])
const CHAT = ['chat', 'chat']
const OPENAI = ['chat', 'chat', 'chat', 'chat', 'embeddings']

/** The operations that each client is seen to make, the second of two streamed; and the packages that are ES modules alone. */
const clients: Record<string, { operations: readonly string[]; isModule?: boolean; fromNode?: number }> = {
  openai: { operations: OPENAI },
  openai4: { operations: OPENAI },
  openai5: { operations: OPENAI },
  openai7: { operations: OPENAI, fromNode: 22 },
  anthropic: { operations: CHAT },
  genai: { operations: ['generate_content', 'generate_content'] },
  mistral: { operations: CHAT, isModule: true },
  ollama: { operations: CHAT },
  groq: { operations: CHAT },
  cohere: { operations: CHAT },
  bedrock: { operations: CHAT },
  langchain: { operations: CHAT },
  'ai-sdk': { operations: CHAT },
  axios: { operations: CHAT },
  got: { operations: CHAT, isModule: true },
  'node-fetch': { operations: CHAT, isModule: true },
  undici: { operations: CHAT },
  fetch: { operations: CHAT },
}

const runs = Object.entries(clients).flatMap(([client, { isModule, fromNode = 0, operations }]) =>
  NODE_MAJOR < fromNode
    ? []
    : [...(isModule ? [] : ['cjs']), 'esm'].map(format => [client, format, operations] as const),
)

let apis: Awaited<ReturnType<typeof startLlmApis>>

beforeAll(async () => {
  apis = await startLlmApis()
})

afterAll(() => apis.close())

it.each(runs)('sees the calls of %s (%s), loaded before the watch', async (client, format, operations) => {
  const program = join(__dirname, 'fixtures', 'clients.mjs')
  const { stdout } = await promisify(execFile)(process.execPath, [program, client, apis.url, format])
  const { failure, seen } = JSON.parse(stdout) as { failure?: string; seen: Seen[] }
  expect(failure).toBeUndefined()
  expect(seen.map(({ call }) => call?.operation)).toEqual(operations)
  for (const [index, { call, input, content }] of seen.entries()) {
    expect(call).toMatchObject({ end: 'completed', statusCode: 200 })
    expect(JSON.stringify(seen)).not.toContain('sk-not-a-real-key')
    if (call.operation === 'embeddings') {
      expect(content.usage).toEqual({ input: 8, total: 8 })
      continue
    }
    expect(JSON.stringify(input)).toContain('Which city has the Eiffel Tower?')
    expect(content.output).toMatchObject({ content: 'It is Paris.' })
    expect(content.usage).toMatchObject({ output: 3 })
    expect(call.firstTokenAt !== undefined).toBe(index % 2 === 1)
  }
})
