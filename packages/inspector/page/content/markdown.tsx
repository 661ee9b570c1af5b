import { marked, type Token, type Tokens } from 'marked'
import type { ComponentChildren, VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import { MediaReference, withMedia } from './media-reference.tsx'

const maxMarkdownLength = 50_000
const maxDepth = 24

/** Markdown as elements: no text of a sender ever becomes markup, so there is nothing to sanitise. */
export function Markdown({ text }: { text: string }) {
  const content = useMemo(() => render(text), [text])
  return (
    <div class="markdown" dir="auto">
      {content}
    </div>
  )
}

function render(text: string): ComponentChildren {
  if (text.length > maxMarkdownLength) return <pre class="plain">{text}</pre>
  try {
    return blocks(marked.lexer(text, { gfm: true, breaks: true }), 0)
  } catch {
    // Nested deeper than the parser can go.
    return <pre class="plain">{text}</pre>
  }
}

function blocks(tokens: Token[] | undefined, depth: number): ComponentChildren {
  return (tokens ?? []).map(token => element(token, depth + 1))
}

function element(token: Token, depth: number): ComponentChildren {
  if (depth > maxDepth) return token.raw
  const inner = (): ComponentChildren => blocks((token as Tokens.Generic).tokens, depth)
  switch (token.type) {
    case 'space':
      return null
    case 'heading':
      return <p class={`heading heading-${token.depth}`}>{inner()}</p>
    case 'paragraph':
      return <p>{inner()}</p>
    case 'text':
      return (token as Tokens.Text).tokens ? inner() : withMedia((token as Tokens.Text).raw)
    case 'escape':
      return token.text
    case 'strong':
      return <strong>{inner()}</strong>
    case 'em':
      return <em>{inner()}</em>
    case 'del':
      return <del>{inner()}</del>
    case 'codespan':
      return <code>{token.text}</code>
    case 'code':
      return (
        <pre>
          <code>{token.text}</code>
        </pre>
      )
    case 'blockquote':
      return <blockquote>{inner()}</blockquote>
    case 'br':
      return <br />
    case 'hr':
      return <hr />
    case 'list':
      return list(token as Tokens.List, depth)
    case 'table':
      return table(token as Tokens.Table, depth)
    case 'link':
      return link(token as Tokens.Link, inner())
    case 'image':
      return <MediaReference reference={token.href} />
    default:
      // HTML among it, as the text that it is.
      return token.raw
  }
}

function link({ href, raw }: Tokens.Link, content: ComponentChildren): ComponentChildren {
  if (!/^(?:https?:\/\/|mailto:)/i.test(href)) return raw
  return (
    <a href={href} target="_blank" rel="noreferrer noopener" title={href}>
      {content}
    </a>
  )
}

function list({ items, ordered, start }: Tokens.List, depth: number): VNode {
  const entries = items.map(item => (
    <li>
      {item.task && (item.checked ? '☑ ' : '☐ ')}
      {blocks(item.tokens, depth)}
    </li>
  ))
  return ordered ? <ol start={Number(start) || 1}>{entries}</ol> : <ul>{entries}</ul>
}

function table({ header, rows }: Tokens.Table, depth: number): VNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table is scrolled with the keyboard
    <div class="table" role="group" aria-label="Table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {header.map(cell => (
              <th>{blocks(cell.tokens, depth)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr>
              {row.map(cell => (
                <td>{blocks(cell.tokens, depth)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
