import { diffWordsWithSpace } from 'diff'
import { useMemo } from 'preact/hooks'

const maxLength = 20_000

/** A text with what was added to and removed from another one. */
export function TextDiff({ from, to }: { from: string; to: string }) {
  const changes = useMemo(
    () => diffWordsWithSpace(from.slice(0, maxLength), to.slice(0, maxLength)),
    [from, to],
  )
  return (
    <div class="plain diff" dir="auto">
      {changes.map(({ added, removed, value }, index) =>
        added ? <ins key={index}>{value}</ins> : removed ? <del key={index}>{value}</del> : value,
      )}
    </div>
  )
}
