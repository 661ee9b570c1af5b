import { useState } from 'preact/hooks'
import type { ChatMessage, ChatPart } from '../../src/reading/chat/chat-message.ts'
import { JsonView } from './json-view.tsx'
import { Markdown } from './markdown.tsx'
import { MediaReference } from './media-reference.tsx'

const unfoldedMessages = 5

/** A conversation; the middle of a long one is folded, because its ends are what one looks for. */
export function ChatView({ messages }: { messages: ChatMessage[] }) {
  const [isWhole, setWhole] = useState(messages.length <= unfoldedMessages + 1)
  const hidden = isWhole ? 0 : messages.length - unfoldedMessages
  const shown = isWhole ? messages : [messages[0]!, ...messages.slice(1 + hidden)]
  return (
    <div class="chat">
      {shown.map((message, index) => (
        <>
          <Message key={index} message={message} />
          {index === 0 && hidden > 0 && (
            <button type="button" class="unfold" onClick={() => setWhole(true)}>
              Show {hidden} earlier messages
            </button>
          )}
        </>
      ))}
    </div>
  )
}

function Message({ message: { role, parts } }: { message: ChatMessage }) {
  return (
    <article class={`message role-${role}`} aria-label={role}>
      <h4>{role}</h4>
      {parts.length === 0 && <p class="muted">(empty)</p>}
      {parts.map((part, index) => (
        <Part key={index} part={part} />
      ))}
    </article>
  )
}

function Part({ part }: { part: ChatPart }) {
  switch (part.kind) {
    case 'text':
      return <Markdown text={part.text} />
    case 'image':
      return <MediaReference reference={part.reference} />
    case 'call':
      return (
        <div class="call">
          <h5>
            <code>{part.name}</code>
            {part.id && <span class="muted">{part.id}</span>}
          </h5>
          <JsonView value={part.input} />
        </div>
      )
    case 'result':
      return (
        <div class="call">
          <h5>result{part.id && <span class="muted">{part.id}</span>}</h5>
          {typeof part.content === 'string' ? (
            <Markdown text={part.content} />
          ) : (
            <JsonView value={part.content} />
          )}
        </div>
      )
    default:
      return <JsonView value={part.value} />
  }
}
