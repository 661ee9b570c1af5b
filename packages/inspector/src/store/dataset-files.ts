import { appendFile, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RequestError } from '../basics/request-error.ts'

/** An item of a dataset: a request, and what is expected of its answer. */
export interface DatasetItem {
  id?: string
  input: {
    method: string
    path: string
    headers?: Record<string, string>
    query?: Record<string, string | string[]>
    body?: unknown
  }
  expectedOutput?: unknown
  metadata?: Record<string, unknown>
}

/** Dataset files: JSON Lines, one item a line. */
export interface DatasetFiles {
  list(): Promise<{ name: string; items: number }[]>
  /** Appends an item; resolves with the path of the file. */
  append(name: string, item: DatasetItem): Promise<string>
}

const extension = '.jsonl'

/** Opens a folder of dataset files, which is created with the first item. */
export function openDatasetFiles(folder: string): DatasetFiles {
  return {
    async list() {
      const names = (await readdir(folder).catch(() => [])).filter(name => name.endsWith(extension))
      return await Promise.all(
        names.toSorted().map(async name => {
          const text = await readFile(join(folder, name), 'utf8').catch(() => '')
          const items = text.split('\n').filter(line => line.trim() !== '').length
          return { name: name.slice(0, -extension.length), items }
        }),
      )
    },
    async append(name, item) {
      if (!/^[\w][\w.-]{0,63}$/.test(name)) {
        throw new RequestError(400, 'the name of a dataset has letters, digits, ".", "-" and "_", at most 64')
      }
      const path = join(folder, name + extension)
      await mkdir(folder, { recursive: true })
      await appendFile(path, `${JSON.stringify(item)}\n`)
      return path
    },
  }
}
