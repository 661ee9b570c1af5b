import { startFakeLlm } from './fake-llm.mjs'

const llm = await startFakeLlm({ port: Number(process.env.PORT ?? 4311) })
console.log(`The fake LLM listens: OPENAI_BASE_URL=${llm.url}, and any OPENAI_API_KEY will do`)
