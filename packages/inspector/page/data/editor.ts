import { signal } from '@preact/signals'

const key = 'langfuse-inspector-editor'

/** Editors that open a file from a link. */
const links = {
  'VS Code': (file: string, line: number, column: number) => `vscode://file${file}:${line}:${column}`,
  Cursor: (file: string, line: number, column: number) => `cursor://file${file}:${line}:${column}`,
  Zed: (file: string, line: number, column: number) => `zed://file${file}:${line}:${column}`,
  JetBrains: (file: string, line: number, column: number) =>
    `idea://open?file=${file}&line=${line}&column=${column}`,
}

/** An editor by its name. */
export type Editor = keyof typeof links

export const editors = Object.keys(links) as Editor[]

/** The editor that links open. */
export const editor = signal<Editor>(editors.find(known => known === stored()) ?? 'VS Code')

/** Chooses the editor, also for later visits. */
export function chooseEditor(chosen: Editor): void {
  editor.value = chosen
  try {
    localStorage.setItem(key, chosen)
  } catch {
    // Storage may be forbidden: the choice lasts until the page is closed.
  }
}

/** A link that opens a file of this machine at a line. */
export function editorLink(file: string, line: number, column = 1): string {
  const path = file.replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/').replace('%3A', ':')
  return links[editor.value](path.startsWith('/') ? path : `/${path}`, line, column)
}

function stored(): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}
