import { effect } from '@preact/signals'
import { render } from 'preact'
import { loadInspectorFacts } from './data/inspector-facts.ts'
import { followLink, segments } from './data/navigation.ts'
import { theme } from './data/theme.ts'
import { watchTraces } from './data/traces.ts'
import { ComparePage } from './pages/compare-page.tsx'
import { GroupPage, GroupsPage } from './pages/groups-page.tsx'
import { ListPage } from './pages/list-page.tsx'
import { NotFoundPage } from './pages/not-found-page.tsx'
import { OverviewPage } from './pages/overview-page.tsx'
import { PlaygroundPage } from './pages/playground-page.tsx'
import { TracePage } from './pages/trace-page.tsx'
import { Notice } from './parts/notice.tsx'
import { focusAfterNavigation } from './shell/focus.ts'
import { HelpDialog } from './shell/help-dialog.tsx'
import { listenToKeys } from './shell/keyboard.ts'
import { TopBar } from './shell/top-bar.tsx'

function App() {
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: links inside are what is clicked
    // biome-ignore lint/a11y/useKeyWithClickEvents: Enter on a link is a click
    <div class="app" onClick={followLink}>
      <TopBar />
      <Page />
      <Notice />
      <HelpDialog />
    </div>
  )
}

function Page() {
  const [kind = '', first, second] = segments.value
  if (kind === 'traces' && first) return <TracePage key={first} id={first.toLowerCase()} />
  if (kind === 'compare' && first && second) return <ComparePage leftId={first} rightId={second} />
  if (kind === 'sessions' || kind === 'users') {
    return first ? <GroupPage kind={kind} id={first} /> : <GroupsPage kind={kind} />
  }
  if (kind === 'overview') return <OverviewPage />
  if (kind === 'playground' && first && second)
    return <PlaygroundPage key={second} traceId={first} observationId={second} />
  return kind === '' ? <ListPage /> : <NotFoundPage />
}

effect(() => {
  document.documentElement.dataset.theme = theme.value
})
focusAfterNavigation()
watchTraces()
listenToKeys()
void loadInspectorFacts()
document.body.replaceChildren()
render(<App />, document.body)
