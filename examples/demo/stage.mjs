import { startInspector } from '@langfuse-middleware/inspector'
import { startFakeLlm } from 'example-fake-llm'
import { startApp } from './app-process.mjs'
import { freePort } from './free-port.mjs'
import { createLangfuseReader } from './langfuse-reader.mjs'

const usualPorts = { llm: 4311, inspector: 4319, chat: 3001, rag: 3002, sampled: 3003 }

/**
 * Starts what the demo needs: a model, a place for the traces, both apps, and one of them again that samples nothing, each
 * in a process of its own. What the environment has keys for is used for real, the rest is stood in for on this machine.
 * @param {object} options
 * @param {NodeJS.ProcessEnv} options.env
 * @param {boolean} options.anyPort - take any free ports instead of the usual ones
 * @param {string} options.sessionId - whose traces are read back from a real Langfuse
 * @param {(name: string, url: string, remark?: string) => void} options.onStart
 * @param {(name: string, line: string) => void} options.onLine
 * @param {(name: string) => void} options.onExit
 * @param {(trace: import('@langfuse-middleware/inspector').Trace) => void} options.onTrace
 */
export async function setStage({ env, anyPort, sessionId, onStart, onLine, onExit, onTrace }) {
  const realModel = Boolean(env.OPENAI_API_KEY)
  const realLangfuse = Boolean(env.LANGFUSE_PUBLIC_KEY && env.LANGFUSE_SECRET_KEY)
  /** @type {Set<number>} */
  const chosen = new Set()
  /** @type {(() => Promise<unknown>)[]} */
  const stops = []
  const stop = async () => {
    for (const stopOne of stops.splice(0).reverse()) await stopOne()
  }

  try {
    // Traces are read back into an inspector from a real Langfuse too: one view, one check.
    const inspector = await startInspector({
      port: realLangfuse ? 0 : await choosePort('inspector'),
      force: true,
      onTrace,
    })
    stops.push(inspector.close)
    const langfuse = realLangfuse
      ? createLangfuseReader(env, { sessionId, inspectorUrl: inspector.url })
      : undefined
    if (langfuse) onStart('Langfuse', langfuse.url, 'your own, because its keys are set')
    else onStart('inspector', inspector.url, remarkOn('inspector', inspector.port))

    const appEnv = { ...env, ...(langfuse ? {} : inspectorEnv(env, inspector.url)) }
    if (realModel) {
      onStart(
        'OpenAI',
        env.OPENAI_BASE_URL ?? 'https://api.openai.com/v1',
        'the real one, because its key is set',
      )
    } else {
      const llm = await startFakeLlm({ port: await choosePort('llm') })
      stops.push(llm.close)
      Object.assign(appEnv, fakeLlmEnv(llm.url))
      onStart('fake LLM', llm.url, remarkOn('llm', llm.port))
    }

    const ports = {
      chat: await choosePort('chat'),
      rag: await choosePort('rag'),
      sampled: await choosePort('sampled'),
    }
    const urls = {
      chat: `http://127.0.0.1:${ports.chat}`,
      rag: `http://127.0.0.1:${ports.rag}`,
      sampled: `http://127.0.0.1:${ports.sampled}`,
    }
    /** @param {string} folder @param {number} port @param {Record<string, string | undefined>} more */
    const start = (folder, port, more) => {
      const name = more.OTEL_SERVICE_NAME ?? folder
      return startApp(folder, {
        port,
        env: { ...appEnv, OTEL_SERVICE_NAME: name, LANGFUSE_SAMPLE_RATE: '1', ...more },
        onLine: line => onLine(name, line),
        onExit: () => onExit(name),
      })
    }
    // All at once; when one fails, the others are stopped all the same.
    const starts = [
      start('chat-express', ports.chat, { RAG_URL: urls.rag }),
      start('rag-fastify', ports.rag, { CHAT_URL: urls.chat }),
      start('rag-fastify', ports.sampled, { OTEL_SERVICE_NAME: 'rag-sampled', LANGFUSE_SAMPLE_RATE: '0' }),
    ]
    const stopApps = () =>
      Promise.all(
        starts.map(app =>
          app.then(
            ({ stop }) => stop(),
            () => {},
          ),
        ),
      )
    stops.push(stopApps)
    await Promise.all(starts)
    onStart('chat-express', urls.chat, remarkOn('chat', ports.chat))
    onStart('rag-fastify', urls.rag, remarkOn('rag', ports.rag))
    onStart(
      'rag-sampled',
      urls.sampled,
      remarkOn('sampled', ports.sampled) || 'the same with LANGFUSE_SAMPLE_RATE=0',
    )

    return {
      urls: { ...urls, traces: langfuse?.url ?? inspector.url },
      realModel,
      realLangfuse,
      /** Traces as far as they have arrived. */
      async traces() {
        await langfuse?.read()
        return inspector.traces()
      },
      stopApps,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }

  /** @param {keyof typeof usualPorts} name */
  async function choosePort(name) {
    const port = await freePort(anyPort ? 0 : usualPorts[name], chosen)
    chosen.add(port)
    return port
  }

  /** @param {keyof typeof usualPorts} name @param {number} port */
  function remarkOn(name, port) {
    return anyPort || port === usualPorts[name] ? '' : `port ${usualPorts[name]} is in use`
  }
}

/** What leads an app's traces to the inspector, whatever else the environment says of Langfuse. */
function inspectorEnv(/** @type {NodeJS.ProcessEnv} */ env, /** @type {string} */ url) {
  const others = Object.keys(env).filter(name => name.startsWith('LANGFUSE_'))
  return {
    ...Object.fromEntries(others.map(name => [name, undefined])),
    NODE_ENV: 'development',
    LANGFUSE_BASE_URL: url,
    LANGFUSE_PUBLIC_KEY: 'pk-lf-demo',
    LANGFUSE_SECRET_KEY: 'sk-lf-demo',
  }
}

/** What leads an app's model calls to the fake LLM. */
function fakeLlmEnv(/** @type {string} */ url) {
  return {
    OPENAI_API_KEY: 'fake',
    OPENAI_BASE_URL: url,
    OPENAI_MODEL: 'fake',
    OPENAI_EMBEDDING_MODEL: 'fake-embedding',
  }
}
