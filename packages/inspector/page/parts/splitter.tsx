import { useRef } from 'preact/hooks'

const key = 'langfuse-inspector-split'
const least = 20
const most = 80

/** The share of the left side in percent, as the user left it. */
export function storedSplit(): number {
  try {
    const share = Number(localStorage.getItem(key))
    return share >= least && share <= most ? share : 52
  } catch {
    return 52
  }
}

/** The line between two panes, moved by mouse, touch or arrow keys. */
export function Splitter({ share, onShare }: { share: number; onShare(share: number): void }) {
  const line = useRef<HTMLDivElement>(null)
  const move = (next: number): void => {
    const bounded = Math.round(Math.min(most, Math.max(least, next)) * 10) / 10
    onShare(bounded)
    try {
      localStorage.setItem(key, String(bounded))
    } catch {
      // Storage may be forbidden: the split lasts until the page is closed.
    }
  }
  return (
    <div
      ref={line}
      class="splitter"
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the tree"
      aria-valuemin={least}
      aria-valuemax={most}
      aria-valuenow={share}
      tabIndex={0}
      onPointerDown={event => {
        event.preventDefault()
        line.current!.setPointerCapture(event.pointerId)
      }}
      onPointerMove={event => {
        if (!line.current!.hasPointerCapture(event.pointerId)) return
        const { left, width } = line.current!.parentElement!.getBoundingClientRect()
        move(((event.clientX - left) / width) * 100)
      }}
      onDblClick={() => move(52)}
      onKeyDown={event => {
        const step = { ArrowLeft: -2, ArrowRight: 2 }[event.key]
        if (step === undefined) return
        event.preventDefault()
        event.stopPropagation()
        move(share + step)
      }}
    />
  )
}
