import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { contentHash } from '../basics/content-hash.ts'
import type { DatasetItem } from '../data/item.ts'
import type { Evaluator } from '../evaluators/evaluator.ts'
import type { ItemResult } from '../verdict/evaluation-result.ts'

/** Finished items of a run on disk. */
export interface ResumeFile {
  /** What an earlier run found for this very item with these evaluators; undefined if it has to be done. */
  find(item: DatasetItem): ItemResult | undefined
  add(result: ItemResult): Promise<void>
}

/** Opens the file of a run that may have been interrupted. Items with errors are done again. */
export async function openResumeFile(
  file: string,
  runKey: unknown,
  evaluators: readonly Evaluator[],
): Promise<ResumeFile> {
  const names = evaluators.map(({ name }) => name)
  const keyOf = ({ id, input, expectedOutput }: DatasetItem) =>
    contentHash([id, input, expectedOutput, names, runKey])
  const done = await finishedItems(file)
  await mkdir(dirname(file), { recursive: true })
  return {
    find(item) {
      const result = done.get(keyOf(item))
      return result && { ...result, item, resumed: true }
    },
    async add(result) {
      if (result.errors.length === 0)
        await appendFile(file, `${JSON.stringify({ key: keyOf(result.item), result })}\n`)
    },
  }
}

async function finishedItems(file: string): Promise<Map<string, ItemResult>> {
  const done = new Map<string, ItemResult>()
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  for (const line of text.split('\n')) {
    try {
      const { key, result } = JSON.parse(line) as { key: string; result: ItemResult }
      done.set(key, result)
    } catch {
      // The run was interrupted while it wrote this line.
    }
  }
  return done
}
