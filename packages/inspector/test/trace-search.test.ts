import { decodeJson } from '../src/otlp/otlp-json.ts'
import { createTraceIndex } from '../src/store/trace-index.ts'
import { createTraceSearch } from '../src/store/trace-search.ts'
import { createTraceStore, type TraceStore } from '../src/store/trace-store.ts'
import { jsonExport, jsonSpan, type SpanFixture, traceId } from './span-fixture.ts'

const createStore = (): TraceStore =>
  createTraceStore({
    maxTraces: 100,
    maxSpans: 1000,
    maxBytes: 1e9,
    settleMs: 0,
    rootlessSettleMs: 0,
    onSettle: () => {},
  })

const add = (store: TraceStore, ...spans: SpanFixture[]): string[] =>
  store.addSpans(decodeJson(Buffer.from(jsonExport(spans.map(jsonSpan)))).spans)

const texts: Record<string, string> = {
  a: 'Reykjavík (Iceland) 50% off',
  b: 'an ICELAND "quoted" AND more',
  c: 'zero\u0000after, it\u2019s 日本語テキスト',
  d: 'near iceland* OR NOT',
}

const queries: [query: string, found: string][] = [
  ['iceland', 'abd'],
  ['ICELAND off', 'a'],
  ['"(iceland) 50%"', 'a'],
  ['celan', 'abd'],
  ['"and more"', 'b'],
  ['AND', 'abd'],
  ['iceland*', 'd'],
  ['OR NOT', 'd'],
  ['日本語', 'c'],
  ['after', 'c'],
  ['nowhere', ''],
  ['GET', 'abcd'],
]

const filled = (): TraceStore => {
  const store = createStore()
  for (const [trace, input] of Object.entries(texts)) {
    add(store, { trace, attributes: { 'langfuse.observation.input': input } })
  }
  return store
}

const shorten = (ids: Iterable<string>): string =>
  [...ids]
    .map(id => id.slice(-1))
    .sort()
    .join('')

it.each(queries)('finds %j by looking through the texts', (query, found) => {
  const search = createTraceSearch(filled())
  expect(shorten(search.find(query))).toBe(found)
  search.close()
})

it('finds the same with an index, and forgets what is gone', async () => {
  const store = filled()
  const index = await createTraceIndex(store.parts)
  // Node.js has SQLite from 22.13.
  if (!index) return
  for (const id of store.ids()) index.changed(id)
  while ([...index.unindexed()].length > 0) await new Promise(resolve => setImmediate(resolve))
  for (const [query, found] of queries) {
    const ids = index.find(query)
    // Shorter than three characters, it is looked for in the texts.
    if (ids) expect([query, shorten(ids)]).toEqual([query, found])
  }
  expect(index.find('it')).toBeUndefined()
  add(store, { trace: 'a', id: '2', parent: '1', name: 'geysir' })
  index.changed(traceId('a'))
  expect([...index.unindexed()]).toEqual([traceId('a')])
  while ([...index.unindexed()].length > 0) await new Promise(resolve => setImmediate(resolve))
  expect(shorten(index.find('geysir')!)).toBe('a')
  store.clear()
  for (const trace of Object.keys(texts)) index.changed(traceId(trace))
  while ([...index.unindexed()].length > 0) await new Promise(resolve => setImmediate(resolve))
  expect(index.find('iceland')).toEqual([])
  index.close()
})
