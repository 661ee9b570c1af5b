import { useMemo, useState } from 'preact/hooks'
import { readChat } from '../../src/reading/chat/chat-message.ts'
import { copyText } from '../parts/notice.tsx'
import { ChatView } from './chat-view.tsx'
import { JsonView } from './json-view.tsx'
import { Markdown } from './markdown.tsx'

const views = ['chat', 'text', 'json', 'raw'] as const
type View = (typeof views)[number]

/** An input or an output, in the ways in which it can be read. */
export function Payload({ title, value }: { title: string; value: unknown }) {
  const messages = useMemo(() => readChat(value), [value])
  const possible: View[] = messages
    ? ['chat', 'json', 'raw']
    : typeof value === 'string'
      ? ['text', 'raw']
      : ['json', 'raw']
  const [chosen, setChosen] = useState<View | undefined>(undefined)
  const view = chosen && possible.includes(chosen) ? chosen : possible[0]!
  const raw = (): string => (typeof value === 'string' ? value : stringify(value))
  return (
    <div class="payload" role="group" aria-label={title}>
      <header>
        <h3>{title}</h3>
        <span class="choice" role="group" aria-label={`${title} as`}>
          {possible.map(one => (
            <button key={one} type="button" aria-pressed={one === view} onClick={() => setChosen(one)}>
              {one}
            </button>
          ))}
        </span>
        <button
          type="button"
          class="link"
          aria-label={`Copy ${title}`}
          onClick={() => copyText(raw(), title)}
        >
          Copy
        </button>
      </header>
      {view === 'chat' && messages && <ChatView messages={messages} />}
      {view === 'text' && <Markdown text={String(value)} />}
      {view === 'json' && <JsonView value={value} searchable />}
      {view === 'raw' && <pre class="plain">{raw()}</pre>}
    </div>
  )
}

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value, null, 2)
  } catch {
    return '(nested too deep to be written as text)'
  }
}
