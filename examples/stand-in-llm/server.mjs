import { startStandInLlm } from './stand-in-llm.mjs'

const llm = await startStandInLlm({ port: Number(process.env.PORT ?? 4311) })
console.log(`The stand-in LLM listens: OPENAI_BASE_URL=${llm.url}, and any OPENAI_API_KEY will do`)
