import { useRef } from 'preact/hooks'
import { segments } from '../data/navigation.ts'
import { forgetTraces, importSpans } from '../data/server.ts'
import { nextTheme, theme } from '../data/theme.ts'
import { connected, forgetShown, heldBack, paused, setPaused } from '../data/traces.ts'
import { notify } from '../parts/notice.tsx'
import { helpShown } from './help-dialog.tsx'

const pages = [
  ['', 'Traces'],
  ['sessions', 'Sessions'],
  ['users', 'Users'],
] as const

/** Where one is, and what concerns all traces. */
export function TopBar() {
  const here = segments.value[0] ?? ''
  return (
    <header class="top-bar">
      <a class="brand" href="/" aria-label="Inspector: all traces">
        <i aria-hidden="true" />
        <span>Inspector</span>
      </a>
      <nav aria-label="Views">
        {pages.map(([path, title]) => {
          const isCurrent = here === path || (path === '' && (here === 'traces' || here === 'compare'))
          return (
            <a key={path} href={`/${path}`} aria-current={isCurrent ? 'page' : undefined}>
              {title}
            </a>
          )
        })}
      </nav>
      <span class="space" />
      <LiveButton />
      <More />
      <button
        type="button"
        class="quiet theme"
        onClick={nextTheme}
        aria-label={`Theme: ${theme.value}`}
        title="Theme (t)"
      >
        {theme.value === 'dark' ? '☾' : theme.value === 'light' ? '☀' : '◐'}
      </button>
      <button
        type="button"
        class="quiet"
        aria-label="Help"
        title="Help (?)"
        onClick={() => {
          helpShown.value = true
        }}
      >
        ?
      </button>
    </header>
  )
}

function LiveButton() {
  const state = !connected.value ? 'offline' : paused.value ? 'paused' : 'live'
  const text = { offline: 'Offline', paused: 'Paused', live: 'Live' }[state]
  return (
    <button
      type="button"
      class={`live ${state}`}
      aria-pressed={paused.value}
      aria-label={paused.value ? 'Resume live updates' : 'Pause live updates'}
      title="Pause and resume (p)"
      onClick={() => setPaused(!paused.value)}
    >
      <i aria-hidden="true" />
      {text}
      {heldBack.value > 0 && <span class="count">{heldBack.value}</span>}
    </button>
  )
}

function More() {
  const menu = useRef<HTMLDetailsElement>(null)
  const close = (): void => {
    if (menu.current) menu.current.open = false
  }
  const importFiles = async (input: HTMLInputElement): Promise<void> => {
    close()
    const files = [...(input.files ?? [])]
    // Else the same file, chosen again, would be no change.
    input.value = ''
    for (const file of files) {
      await importSpans(await file.text()).then(
        () => notify(`${file.name} imported`),
        error => notify(`${file.name} could not be imported: ${error.message}`),
      )
    }
  }
  const forget = async (): Promise<void> => {
    close()
    if (!confirm('Forget every trace, in memory and on disk?')) return
    await forgetTraces()
    forgetShown()
    notify('Every trace is forgotten')
  }
  return (
    <details class="menu" ref={menu}>
      <summary aria-label="More">⋯</summary>
      <div>
        <label>
          Import OTLP JSON
          <input
            type="file"
            accept=".json,.jsonl,.ndjson,application/json"
            multiple
            onChange={({ currentTarget }) => importFiles(currentTarget)}
          />
        </label>
        <a href="/api/export" download="traces.jsonl" onClick={close}>
          Export all as OTLP JSON
        </a>
        <button type="button" onClick={forget}>
          Forget all traces
        </button>
      </div>
    </details>
  )
}
