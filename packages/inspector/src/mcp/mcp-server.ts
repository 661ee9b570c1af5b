import { McpServer } from '@modelcontextprotocol/server'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'
import { version } from '../../package.json' with { type: 'json' }

type Answer = { content: { type: 'text'; text: string }[]; isError?: boolean }

const maxLength = 60_000
const limit = z.number().int().min(1).max(100).default(20).describe('How many traces at most')

/** Serves coding assistants over stdio: they can look at the traces of a running inspector, and change nothing. */
export async function serveMcp(inspectorUrl: string): Promise<void> {
  const ask = (path: string): Promise<Answer> => askInspector(inspectorUrl, path)
  const server = new McpServer({ name: 'langfuse-inspector', version })
  const annotations = { readOnlyHint: true, openWorldHint: false }

  server.registerTool(
    'list_traces',
    {
      title: 'List traces',
      description: 'The latest requests that the app served: name, status, duration, tokens, cost, error.',
      inputSchema: z.object({ limit }),
      annotations,
    },
    ({ limit }) => ask(`/api/traces?limit=${limit}`),
  )
  server.registerTool(
    'search_traces',
    {
      title: 'Search traces',
      description:
        'Finds traces by words in any input, output or attribute, and by filters such as status:5xx, route:/chat, user:ada, duration:>1s, tokens:>1000, score:helpful<0.5, time:10m; a minus in front excludes.',
      inputSchema: z.object({ query: z.string().max(500), limit }),
      annotations,
    },
    ({ query, limit }) => ask(`/api/traces?limit=${limit}&q=${encodeURIComponent(query)}`),
  )
  server.registerTool(
    'get_trace',
    {
      title: 'Get a trace',
      description:
        'One trace whole: each observation with input, output, model, usage, level, message and recorded exceptions.',
      inputSchema: z.object({ id: z.string().regex(/^[0-9a-fA-F]{32}$/) }),
      annotations,
    },
    ({ id }) => ask(`/api/traces/${id}`),
  )
  server.registerTool(
    'recent_errors',
    {
      title: 'Recent errors',
      description: 'Requests of the last minutes that failed, with the message of the error behind each.',
      inputSchema: z.object({ minutes: z.number().min(1).max(1_440).default(10), limit }),
      annotations,
    },
    ({ minutes, limit }) =>
      ask(`/api/traces?limit=${limit}&q=${encodeURIComponent(`level:error time:${minutes}m`)}`),
  )
  await server.connect(new StdioServerTransport())
}

async function askInspector(inspectorUrl: string, path: string): Promise<Answer> {
  try {
    const response = await fetch(inspectorUrl + path, { signal: AbortSignal.timeout(10_000) })
    const text = await response.text()
    const isCut = text.length > maxLength
    const shown = isCut ? `${text.slice(0, maxLength)}… (${text.length - maxLength} more characters)` : text
    return { content: [{ type: 'text', text: shown }], ...(!response.ok && { isError: true }) }
  } catch {
    const text = `No inspector answers at ${inspectorUrl}. Start one (npx @langfuse-middleware/inspector), or run the app with the option inspector: true.`
    return { content: [{ type: 'text', text }], isError: true }
  }
}
