import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core'
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks'
import { recallScroll, rememberScroll } from '../data/navigation.ts'

const overscan = 8

/** Rows of one height, of which only those in sight exist in the document. */
export interface VirtualRowsProps {
  label: string
  role: 'grid' | 'treegrid'
  count: number
  rowHeight: number
  head?: ComponentChildren
  headHeight?: number
  /** Identifies a row, so that the visible rows stay in place while others are added above. */
  keyOf(index: number): string
  /** Address that a row opens in a new tab on Ctrl-click, Cmd-click or middle click. */
  hrefOf?(index: number): string
  row(index: number): ComponentChildren
  rowProps?(index: number): { class: string; 'aria-level'?: number; 'aria-expanded'?: boolean }
  active: number
  onActive(index: number): void
  onOpen?(index: number): void
  onKey?(event: KeyboardEvent, index: number): void
  className?: string
}

/** A list of any length, for mouse and keyboard. */
export function VirtualRows(props: VirtualRowsProps) {
  const { count, rowHeight, headHeight = 0, active, keyOf } = props
  const box = useRef<HTMLDivElement>(null)
  const virtualizer = useVirtualizer(props, box)
  useStableRows(props, box)
  useScrollMemory(props.label, count, box)

  useEffect(() => {
    const element = box.current!
    if (active < 0) return
    const top = active * rowHeight
    const room = element.clientHeight - headHeight
    if (top < element.scrollTop) element.scrollTop = top
    else if (top + rowHeight > element.scrollTop + room) element.scrollTop = top + rowHeight - room
  }, [active, rowHeight])

  const items = virtualizer.getVirtualItems().filter(({ index }) => index < count)
  const isRendered = items.some(({ index }) => index === active)
  return (
    // biome-ignore lint/a11y: its role is grid or treegrid, and both take labels and keys
    <div
      ref={box}
      class={`rows ${props.className ?? ''}`}
      role={props.role}
      aria-label={props.label}
      aria-rowcount={count + 1}
      aria-activedescendant={isRendered ? `row-${active}` : undefined}
      tabIndex={0}
      onKeyDown={event => onKeyDown(event, props, box.current!.clientHeight)}
    >
      {props.head && (
        <div role="rowgroup" class="rows-head">
          {props.head}
        </div>
      )}
      <div role="rowgroup" class="rows-body" style={{ height: `${count * rowHeight}px` }}>
        {items.map(({ index, start }) => (
          <Row key={keyOf(index)} index={index} top={start} {...props} />
        ))}
      </div>
    </div>
  )
}

function Row(props: VirtualRowsProps & { index: number; top: number }) {
  const { index, top, rowHeight, active, onActive, onOpen, hrefOf } = props
  const extra = props.rowProps?.(index)
  const onClick = (event: MouseEvent): void => {
    const isLink = (event.target as Element).closest('a') !== null
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button === 1) {
      // The browser itself opens links.
      if (!isLink && hrefOf && event.button <= 1) window.open(hrefOf(index), '_blank', 'noopener')
      return
    }
    // The end of a selection by dragging is a click too.
    if (event.button !== 0 || hasSelectionIn(event.currentTarget as Element)) return
    onActive(index)
    onOpen?.(index)
  }
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list handles keys
    <div
      {...extra}
      id={`row-${index}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={index === active}
      class={`row ${index === active ? 'active ' : ''}${extra?.class ?? ''}`}
      style={{ height: `${rowHeight}px`, transform: `translateY(${top}px)` }}
      onClick={onClick}
      onAuxClick={onClick}
    >
      {props.row(index)}
    </div>
  )
}

function hasSelectionIn(row: Element): boolean {
  const selection = getSelection()
  return selection !== null && !selection.isCollapsed && selection.containsNode(row, true)
}

function onKeyDown(event: KeyboardEvent, props: VirtualRowsProps, height: number): void {
  const { active, count, rowHeight } = props
  const page = Math.max(1, Math.floor(height / rowHeight) - 2)
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
  if (event.target !== event.currentTarget) return
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

type Box = { current: HTMLDivElement | null }

function useVirtualizer(
  { count, rowHeight, headHeight = 0, keyOf }: VirtualRowsProps,
  box: Box,
): Virtualizer<HTMLDivElement, Element> {
  const [, redraw] = useReducer((draws: number) => draws + 1, 0)
  const options = {
    count,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    getItemKey: keyOf,
    overscan,
    scrollPaddingEnd: headHeight,
    initialRect: { width: 1000, height: 800 },
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => redraw(undefined),
  }
  const [virtualizer] = useState(() => new Virtualizer<HTMLDivElement, Element>(options))
  virtualizer.setOptions(options)
  // What the library's own adapters call.
  useLayoutEffect(() => virtualizer._didMount(), [])
  useLayoutEffect(() => virtualizer._willUpdate())
  useLayoutEffect(() => virtualizer.measure(), [rowHeight])
  return virtualizer
}

/** Keeps the visible rows in place when rows are added above them, unless the list is scrolled to the top. */
function useStableRows({ count, rowHeight, keyOf }: VirtualRowsProps, box: Box): void {
  const anchor = useRef<{ index: number; key: string } | undefined>(undefined)
  useLayoutEffect(() => {
    const element = box.current!
    const before = anchor.current
    const first = Math.floor(element.scrollTop / rowHeight)
    anchor.current = first > 0 && first < count ? { index: first, key: keyOf(first) } : undefined
    if (!before || first === 0 || (before.index < count && keyOf(before.index) === before.key)) return
    for (let index = 0; index < count; index += 1) {
      if (keyOf(index) !== before.key) continue
      element.scrollTop += (index - before.index) * rowHeight
      anchor.current = { index, key: before.key }
      return
    }
  })
}

/** Restores the scroll position when the user comes back to this entry of the history. */
function useScrollMemory(label: string, count: number, box: Box): void {
  const wanted = useRef(recallScroll(label))
  useLayoutEffect(() => {
    const element = box.current!
    if (wanted.current > 0 && count > 0) {
      element.scrollTop = wanted.current
      wanted.current = 0
    }
  }, [count > 0])
  useEffect(() => {
    const element = box.current!
    const onScrollEnd = (): void => rememberScroll(label, element.scrollTop)
    element.addEventListener('scrollend', onScrollEnd)
    return () => element.removeEventListener('scrollend', onScrollEnd)
  }, [label])
}
