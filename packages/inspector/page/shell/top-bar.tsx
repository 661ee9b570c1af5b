import { chooseEditor, type Editor, editor, editors } from '../data/editor.ts'
import { listAddress, segments } from '../data/navigation.ts'
import { forgetTraces, importSpans } from '../data/server.ts'
import { nextTheme, theme } from '../data/theme.ts'
import { connected, forgetShown, heldBack, paused, setPaused } from '../data/traces.ts'
import { Menu } from '../parts/menu.tsx'
import { notify } from '../parts/notice.tsx'
import { helpShown } from './help-dialog.tsx'

const pages = [
  ['', 'Traces'],
  ['sessions', 'Sessions'],
  ['users', 'Users'],
  ['overview', 'Overview'],
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
            <a
              key={path}
              href={path === '' && here !== '' ? listAddress.value : `/${path}`}
              aria-current={isCurrent ? 'page' : undefined}
            >
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
  return (
    <Menu label="More" sign="⋯">
      <label>
        Import OTLP JSON
        <input
          type="file"
          accept=".json,.jsonl,.ndjson,application/json"
          multiple
          onChange={({ currentTarget }) => importFiles(currentTarget)}
        />
      </label>
      <a href="/api/export" download="traces.jsonl">
        Export all as OTLP JSON
      </a>
      <button type="button" onClick={forget}>
        Forget all traces
      </button>
      <label class="choose">
        Open files in
        <select
          value={editor.value}
          onChange={({ currentTarget }) => chooseEditor(currentTarget.value as Editor)}
        >
          {editors.map(name => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </Menu>
  )
}

async function importFiles(input: HTMLInputElement): Promise<void> {
  const files = [...(input.files ?? [])]
  // Else the same file, chosen again, would be no change.
  input.value = ''
  for (const file of files) notify(await importFile(file))
}

async function importFile(file: File): Promise<string> {
  try {
    const { spans, rejected } = await importSpans(await file.text())
    if (spans + rejected === 0) return `${file.name} contains no spans: nothing was imported`
    const refused = rejected > 0 ? `, ${rejected.toLocaleString('en-US')} refused` : ''
    return `${file.name}: ${spans.toLocaleString('en-US')} spans imported${refused}`
  } catch (error) {
    return `${file.name} could not be imported: ${(error as Error).message}`
  }
}

async function forget(): Promise<void> {
  if (!confirm('Forget every trace, in memory and on disk?')) return
  await forgetTraces().then(
    () => {
      forgetShown()
      notify('Every trace is forgotten')
    },
    error => notify(`Not forgotten: ${error.message}`),
  )
}
