import { useMemo, useState } from 'preact/hooks'
import { readChat } from '../../src/reading/chat/read-chat.ts'
import { copyText } from '../parts/notice.tsx'
import { ChatView } from './chat-view.tsx'
import { JsonView } from './json-view.tsx'
import { TextView } from './text-view.tsx'

type View = 'chat' | 'text' | 'markdown' | 'json' | 'raw'

/** An input or an output. Text is shown as it was sent, unless `markdown` is set or the reader chooses otherwise. */
export function Payload({
  title,
  value,
  markdown = false,
  words = '',
}: {
  title: string
  value: unknown
  markdown?: boolean
  /** What was searched for. */
  words?: string
}) {
  const conversation = useMemo(() => readChat(value), [value])
  const possible: View[] = conversation
    ? ['chat', 'json', 'raw']
    : typeof value === 'string'
      ? markdown
        ? ['markdown', 'text']
        : ['text', 'markdown']
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
      {view === 'chat' && conversation && (
        <ChatView conversation={conversation} markdown={markdown} words={words} />
      )}
      {(view === 'text' || view === 'markdown') && (
        <div class="text-payload">
          <TextView key={view} text={String(value)} markdown={view === 'markdown'} words={words} />
        </div>
      )}
      {view === 'json' && <JsonView value={value} searchable words={words} />}
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
