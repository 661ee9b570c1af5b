import { searchableTexts, searchTerms } from './searchable-text.ts'
import type { TraceParts } from './trace-entry.ts'

const sliceMs = 8
const maxIndexedLength = 1_000_000
const shortestTerm = 3

/** A full-text index in memory, which falls behind rather than hold anything up. */
export interface TraceIndex {
  changed(id: string): void
  /** Ids of indexed traces that contain every term; `undefined` where the index cannot tell. */
  find(query: string): string[] | undefined
  /** Ids that the index knows nothing of, yet or at all. */
  unindexed(): Iterable<string>
  close(): void
}

/** Creates an index, or resolves with `undefined` where this Node.js has no SQLite. */
export async function createTraceIndex(
  parts: (id: string) => TraceParts | undefined,
): Promise<TraceIndex | undefined> {
  const sqlite = await import('node:sqlite').catch(() => undefined)
  if (!sqlite) return undefined
  const database = new sqlite.DatabaseSync(':memory:')
  try {
    // Trigrams find parts of words, as looking through the texts themselves would.
    database.exec(
      "create virtual table trace using fts5(text, content='', contentless_delete=1, tokenize='trigram')",
    )
  } catch {
    database.close()
    return undefined
  }
  const insert = database.prepare('insert into trace(rowid, text) values (?, ?)')
  const remove = database.prepare('delete from trace where rowid = ?')
  const select = database.prepare('select rowid from trace where trace match ?')
  const rowOf = new Map<string, number>()
  const idOf = new Map<number, string>()
  const behind = new Set<string>()
  const tooLarge = new Set<string>()
  let rows = 0
  let slice: NodeJS.Immediate | undefined

  const forget = (id: string): void => {
    tooLarge.delete(id)
    const row = rowOf.get(id)
    if (row === undefined) return
    remove.run(row)
    rowOf.delete(id)
    idOf.delete(row)
  }

  const add = (id: string): void => {
    const found = parts(id)
    if (!found) return
    const text = readText(id, found)
    if (text === undefined) {
      tooLarge.add(id)
      return
    }
    rows += 1
    insert.run(rows, text)
    rowOf.set(id, rows)
    idOf.set(rows, id)
  }

  const work = (): void => {
    const endMs = performance.now() + sliceMs
    database.exec('begin')
    for (const id of behind) {
      behind.delete(id)
      forget(id)
      add(id)
      if (performance.now() > endMs) break
    }
    database.exec('commit')
    slice = behind.size > 0 ? setImmediate(work) : undefined
  }

  return {
    changed(id) {
      behind.add(id)
      slice ??= setImmediate(work)
    },
    find(query) {
      const terms = searchTerms(query)
      if (terms.some(term => term.length < shortestTerm)) return undefined
      const match = terms.map(term => `"${clean(term).replaceAll('"', '""')}"`).join(' AND ')
      return select.all(match).flatMap(row => idOf.get(Number(row.rowid)) ?? [])
    },
    unindexed: () => [...behind, ...tooLarge],
    close() {
      clearImmediate(slice)
      behind.clear()
      database.close()
    },
  }
}

function readText(id: string, { ended, running }: TraceParts): string | undefined {
  const texts = [id]
  let length = 0
  for (const span of [...ended, ...running]) {
    for (const text of searchableTexts(span)) {
      length += text.length
      if (length > maxIndexedLength) return undefined
      texts.push(text)
    }
  }
  return clean(texts.join('\n'))
}

/** To SQLite a text ends at its first zero. */
function clean(text: string): string {
  return text.replaceAll('\0', ' ')
}
