import { useState } from 'preact/hooks'
import { Markdown } from './markdown.tsx'
import { withMedia } from './media-reference.tsx'

const foldedLength = 1_500

/** A text exactly as it was sent, or as Markdown; a long one is folded. */
export function TextView({ text, markdown }: { text: string; markdown: boolean }) {
  const [isWhole, setWhole] = useState(text.length <= foldedLength * 1.3)
  const shown = isWhole ? text : text.slice(0, foldedLength)
  return (
    <>
      {markdown ? (
        <Markdown text={shown} />
      ) : (
        <div class="plain" dir="auto">
          {withMedia(shown)}
        </div>
      )}
      {!isWhole && (
        <button type="button" class="unfold" onClick={() => setWhole(true)}>
          Show {(text.length - foldedLength).toLocaleString('en-US')} more characters
        </button>
      )}
    </>
  )
}
