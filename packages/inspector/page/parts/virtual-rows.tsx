import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

const overscan = 8

/** Rows of one height, of which only those in sight exist. */
export interface VirtualRowsProps {
  label: string
  role: 'grid' | 'treegrid'
  count: number
  rowHeight: number
  head?: ComponentChildren
  headHeight?: number
  /** Stays the same for the same row, so that what one looks at stays in place while rows come in above. */
  keyOf(index: number): string
  row(index: number): ComponentChildren
  rowProps?(index: number): { class: string; 'aria-level'?: number; 'aria-expanded'?: boolean }
  active: number
  onActive(index: number): void
  onOpen?(index: number): void
  onKey?(event: KeyboardEvent, index: number): void
  className?: string
}

/** A list that may be of any length, for the mouse and for the keyboard. */
export function VirtualRows(props: VirtualRowsProps) {
  const { count, rowHeight, headHeight = 0, active, keyOf } = props
  const box = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 800 })
  const anchor = useRef<{ index: number; key: string } | undefined>(undefined)

  const first = Math.max(0, Math.min(count - 1, Math.floor(view.top / rowHeight)))

  useLayoutEffect(() => {
    const element = box.current!
    const measure = (): void => setView({ top: element.scrollTop, height: element.clientHeight })
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  useLayoutEffect(() => {
    const element = box.current!
    const before = anchor.current
    // At the top, new rows push the others down: there one wants to see what comes.
    anchor.current = view.top > 0 && first < count ? { index: first, key: keyOf(first) } : undefined
    if (!before || view.top === 0 || (before.index < count && keyOf(before.index) === before.key)) return
    for (let index = 0; index < count; index += 1) {
      if (keyOf(index) !== before.key) continue
      element.scrollTop += (index - before.index) * rowHeight
      return
    }
  })

  useEffect(() => {
    const element = box.current!
    if (active < 0) return
    const top = active * rowHeight
    const room = element.clientHeight - headHeight
    if (top < element.scrollTop) element.scrollTop = top
    else if (top + rowHeight > element.scrollTop + room) element.scrollTop = top + rowHeight - room
  }, [active, rowHeight])

  const start = Math.max(0, first - overscan)
  const end = Math.min(count, first + Math.ceil(view.height / rowHeight) + overscan)

  const onKeyDown = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor(view.height / rowHeight) - 2)
    const steps: Record<string, number> = {
      ArrowDown: active + 1,
      j: active + 1,
      ArrowUp: active - 1,
      k: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: count - 1,
    }
    if (event.metaKey || event.ctrlKey || event.altKey || count === 0) return
    const to = steps[event.key]
    if (to !== undefined) {
      event.preventDefault()
      props.onActive(Math.max(0, Math.min(count - 1, to)))
    } else if (event.key === 'Enter' && active >= 0) {
      event.preventDefault()
      props.onOpen?.(active)
    } else {
      props.onKey?.(event, active)
    }
  }

  const rows: ComponentChildren[] = []
  for (let index = start; index < end; index += 1) {
    const extra = props.rowProps?.(index)
    rows.push(
      // biome-ignore lint/a11y/useKeyWithClickEvents: the list hears the keys
      <div
        {...extra}
        key={keyOf(index)}
        id={`row-${index}`}
        role="row"
        aria-rowindex={index + 2}
        aria-selected={index === active}
        class={`row ${index === active ? 'active ' : ''}${extra?.class ?? ''}`}
        style={{ height: `${rowHeight}px`, transform: `translateY(${index * rowHeight}px)` }}
        onClick={() => {
          props.onActive(index)
          props.onOpen?.(index)
        }}
      >
        {props.row(index)}
      </div>,
    )
  }
  return (
    // biome-ignore lint/a11y: its role is one of two, grid or treegrid, and both take labels and keys
    <div
      ref={box}
      class={`rows ${props.className ?? ''}`}
      role={props.role}
      aria-label={props.label}
      aria-rowcount={count + 1}
      aria-activedescendant={active >= start && active < end ? `row-${active}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onScroll={({ currentTarget }) =>
        setView({ top: currentTarget.scrollTop, height: currentTarget.clientHeight })
      }
    >
      {props.head && (
        <div role="rowgroup" class="rows-head">
          {props.head}
        </div>
      )}
      <div role="rowgroup" class="rows-body" style={{ height: `${count * rowHeight}px` }}>
        {rows}
      </div>
    </div>
  )
}
