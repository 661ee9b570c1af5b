import type { ComponentChildren } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { termsOf } from '../parts/highlight.ts'
import { findInJson, type JsonMatches } from './json-match.ts'

const unfoldedDepth = 2
const maxUnfoldedEntries = 20
const entriesAtOnce = 100
const foldedLength = 400
const searchableEntries = 8

/** A JSON value, folded: what is not open does not exist in the page. */
export function JsonView({
  value,
  searchable = false,
  words = '',
}: {
  value: unknown
  searchable?: boolean
  /** What was searched for: containers with it are open. */
  words?: string
}) {
  const [query, setQuery] = useState('')
  const matches = useMemo(() => {
    const wanted = query || termsOf(words)[0]
    return wanted ? findInJson(value, wanted) : undefined
  }, [value, query, words])
  const canSearch = searchable && isContainer(value) && sizeOf(value) > searchableEntries
  return (
    <div class="json">
      {canSearch && (
        <div class="json-search">
          <input
            type="search"
            aria-label="Search in this value"
            placeholder="Search in this value"
            value={query}
            onInput={({ currentTarget }) => setQuery(currentTarget.value)}
          />
          <span role="status">{query !== '' && matches && `${matches.count} found`}</span>
        </div>
      )}
      <Node value={value} depth={0} query={query} matches={matches} />
    </div>
  )
}

interface NodeProps {
  name?: string
  value: unknown
  depth: number
  query: string
  matches: JsonMatches | undefined
}

function Node({ name, value, depth, query, matches }: NodeProps) {
  const size = isContainer(value) ? Object.keys(value).length : 0
  const [isOpen, setOpen] = useState(depth < unfoldedDepth && size <= maxUnfoldedEntries)
  const [shown, setShown] = useState(entriesAtOnce)
  const label = name === undefined ? null : <span class="key">{marked(name, query)}: </span>
  if (!isContainer(value)) {
    return (
      <div class="leaf">
        {label}
        <Leaf value={value} query={query} />
      </div>
    )
  }
  const [before, after] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  if (size === 0) {
    return (
      <div class="leaf">
        {label}
        {before}
        {after}
      </div>
    )
  }
  const open = isOpen || (matches?.open.has(value) ?? false)
  return (
    <div class="branch">
      <button type="button" class="toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span class="fold" aria-hidden="true">
          {open ? '▾' : '▸'}
        </span>
        {label}
        {before}
        {!open && (
          <span class="muted">
            {` ${size.toLocaleString('en-US')} ${Array.isArray(value) ? 'items' : 'keys'} `}
            {after}
          </span>
        )}
      </button>
      {open && (
        <div class="inside">
          {Object.entries(value)
            .slice(0, shown)
            .map(([key, item]) => (
              <Node key={key} name={key} value={item} depth={depth + 1} query={query} matches={matches} />
            ))}
          {size > shown && (
            <button type="button" class="unfold" onClick={() => setShown(shown + 10 * entriesAtOnce)}>
              Show more ({(size - shown).toLocaleString('en-US')} left)
            </button>
          )}
        </div>
      )}
      {open && <div class="leaf">{after}</div>}
    </div>
  )
}

function Leaf({ value, query }: { value: unknown; query: string }) {
  const [isWhole, setWhole] = useState(false)
  if (typeof value !== 'string') {
    return (
      <span class={`value ${value === null ? 'null' : typeof value}`}>{marked(String(value), query)}</span>
    )
  }
  const isLong = value.length > foldedLength * 1.3 && !isWhole
  return (
    <span class="value string">
      "{marked(isLong ? value.slice(0, foldedLength) : value, query)}
      {isLong ? (
        <button type="button" class="unfold" onClick={() => setWhole(true)}>
          … {(value.length - foldedLength).toLocaleString('en-US')} more characters
        </button>
      ) : (
        '"'
      )}
    </span>
  )
}

function marked(text: string, query: string): ComponentChildren {
  if (query === '') return text
  const at = text.toLowerCase().indexOf(query.toLowerCase())
  if (at === -1) return text
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + query.length)}</mark>
      {text.slice(at + query.length)}
    </>
  )
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function sizeOf(value: object): number {
  return Object.values(value).reduce<number>(
    (sum, item) => sum + (isContainer(item) ? Object.keys(item).length : 1),
    0,
  )
}
