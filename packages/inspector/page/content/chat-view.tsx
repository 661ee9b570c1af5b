import { useState } from 'preact/hooks'
import type { ChatMessage, ChatPart, Conversation, Fields } from '../../src/reading/chat/chat-message.ts'
import { JsonView } from './json-view.tsx'
import { MediaReference } from './media-reference.tsx'
import { TextView } from './text-view.tsx'

const unfoldedMessages = 5

/** A conversation; the middle of a long one is folded. */
export function ChatView(props: { conversation: Conversation; markdown: boolean; words: string }) {
  const { conversation, markdown, words } = props
  const { messages, other } = conversation
  // All of them if one was searched for.
  const [isWhole, setWhole] = useState(messages.length <= unfoldedMessages + 1 || words !== '')
  const hidden = isWhole ? 0 : messages.length - unfoldedMessages
  const shown = isWhole ? messages : [messages[0]!, ...messages.slice(1 + hidden)]
  return (
    <div class="chat">
      {shown.map((message, index) => (
        <>
          <Message key={index} message={message} markdown={markdown} words={words} />
          {index === 0 && hidden > 0 && (
            <button type="button" class="unfold" onClick={() => setWhole(true)}>
              Show {hidden} earlier messages
            </button>
          )}
        </>
      ))}
      <OtherFields fields={other} />
    </div>
  )
}

function Message({ message, markdown, words }: { message: ChatMessage; markdown: boolean; words: string }) {
  const { role, parts, other } = message
  const [isMarkdown, setMarkdown] = useState(markdown)
  const hasText = parts.some(
    part => 'text' in part || typeof ('content' in part && part.content) === 'string',
  )
  return (
    <article class={`message role-${role}`} aria-label={role}>
      <header>
        <h4>{role}</h4>
        {hasText && (
          <button
            type="button"
            class="link"
            aria-pressed={isMarkdown}
            aria-label={`${role} message as Markdown`}
            onClick={() => setMarkdown(!isMarkdown)}
          >
            Markdown
          </button>
        )}
      </header>
      {parts.length === 0 && <p class="muted">(empty)</p>}
      {parts.map((part, index) => (
        <Part key={index} part={part} markdown={isMarkdown} words={words} />
      ))}
      <OtherFields fields={other} />
    </article>
  )
}

function Part({ part, markdown, words }: { part: ChatPart; markdown: boolean; words: string }) {
  switch (part.kind) {
    case 'text':
      return <TextView text={part.text} markdown={markdown} words={words} />
    case 'thinking':
    case 'refusal':
      return (
        <div class={part.kind}>
          <h5>{part.kind}</h5>
          <TextView text={part.text} markdown={markdown} words={words} />
        </div>
      )
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
            <TextView text={part.content} markdown={markdown} words={words} />
          ) : (
            <JsonView value={part.content} />
          )}
        </div>
      )
    default:
      return <JsonView value={part.value} />
  }
}

/** What the view does not draw: nothing that was sent may vanish. */
function OtherFields({ fields }: { fields: Fields }) {
  const [isOpen, setOpen] = useState(false)
  const count = Object.keys(fields).length
  if (count === 0) return null
  return (
    <details class="more" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Other fields ({count})</summary>
      {isOpen && <JsonView value={fields} />}
    </details>
  )
}
