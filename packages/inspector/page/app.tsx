import { effect } from '@preact/signals'
import { render } from 'preact'
import { ComparePage } from './compare-page.tsx'
import { GroupPage, GroupsPage } from './groups-page.tsx'
import { HelpDialog } from './help-dialog.tsx'
import { loadInspectorFacts } from './inspector-facts.ts'
import { listenToKeys } from './keyboard.ts'
import { ListPage } from './list-page.tsx'
import { followLink, segments } from './navigation.ts'
import { Notice } from './notice.tsx'
import { theme } from './theme.ts'
import { TopBar } from './top-bar.tsx'
import { TracePage } from './trace-page.tsx'
import { watchTraces } from './traces.ts'

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
  return <ListPage />
}

effect(() => {
  document.documentElement.dataset.theme = theme.value
})
watchTraces()
listenToKeys()
void loadInspectorFacts()
document.body.replaceChildren()
render(<App />, document.body)
