import { startInspector } from '@langfuse-middleware/inspector'
import { startStandInLlm } from 'example-stand-in-llm'
import { startApp } from './app-process.mjs'
import { freePort } from './free-port.mjs'
import { createLangfuseReader } from './langfuse-reader.mjs'

const usualPorts = { llm: 4311, inspector: 4319, chat: 3001, rag: 3002 }

/**
 * Starts what the demo needs: a model, a place for the traces, and both apps, each in a process of its own. What the
 * environment has keys for is used for real, the rest is stood in for on this machine.
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
      const llm = await startStandInLlm({ port: await choosePort('llm') })
      stops.push(llm.close)
      Object.assign(appEnv, standInEnv(llm.url))
      onStart('stand-in LLM', llm.url, remarkOn('llm', llm.port))
    }

    const [chatPort, ragPort] = [await choosePort('chat'), await choosePort('rag')]
    const [chatUrl, ragUrl] = [`http://127.0.0.1:${chatPort}`, `http://127.0.0.1:${ragPort}`]
    const start = (/** @type {string} */ name, /** @type {number} */ port, /** @type {object} */ more) =>
      startApp(name, {
        port,
        env: { ...appEnv, ...more, OTEL_SERVICE_NAME: name },
        onLine: line => onLine(name, line),
        onExit: () => onExit(name),
      })
    // Both at once; when one fails, the other is stopped all the same.
    const starts = [
      start('chat-express', chatPort, { RAG_URL: ragUrl }),
      start('rag-fastify', ragPort, { CHAT_URL: chatUrl }),
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
    onStart('chat-express', chatUrl, remarkOn('chat', chatPort))
    onStart('rag-fastify', ragUrl, remarkOn('rag', ragPort))

    return {
      urls: { chat: chatUrl, rag: ragUrl, traces: langfuse?.url ?? inspector.url },
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

/** What leads an app's model calls to the stand-in. */
function standInEnv(/** @type {string} */ url) {
  return {
    OPENAI_API_KEY: 'stand-in',
    OPENAI_BASE_URL: url,
    OPENAI_MODEL: 'stand-in',
    OPENAI_EMBEDDING_MODEL: 'stand-in-embedding',
  }
}
