import { useState } from 'preact/hooks'
import { termsOf } from '../parts/highlight.ts'
import { Markdown } from './markdown.tsx'
import { withMedia } from './media-reference.tsx'

const foldedLength = 1_500

/** A text exactly as it was sent, or as Markdown; a long one is folded. */
export function TextView(props: { text: string; markdown: boolean; words?: string }) {
  const { text, markdown, words = '' } = props
  const [isWhole, setWhole] = useState(text.length <= foldedLength * 1.3 || hasHiddenHit(text, words))
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

/** Whether a word that was searched for would be folded away. */
function hasHiddenHit(text: string, words: string): boolean {
  const hidden = words === '' ? '' : text.slice(foldedLength - 100).toLowerCase()
  return hidden !== '' && termsOf(words).some(term => hidden.includes(term))
}
