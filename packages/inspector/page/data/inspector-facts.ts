import { signal } from '@preact/signals'
import { fetchFacts, type InspectorFacts } from './server.ts'

/** What the inspector said about itself. */
export const inspectorFacts = signal<InspectorFacts | undefined>(undefined)

/** Asks it once; without an answer the page does without. */
export async function loadInspectorFacts(): Promise<void> {
  inspectorFacts.value = await fetchFacts().catch(() => undefined)
}
