import { signal } from '@preact/signals'

const key = 'langfuse-inspector-theme'

/** Light, dark, or what the system has. */
export type Theme = 'system' | 'light' | 'dark'

const themes: Theme[] = ['system', 'light', 'dark']

/** The theme in force. */
export const theme = signal<Theme>(themes.find(known => known === read()) ?? 'system')

/** Goes on to the next theme. */
export function nextTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length]!
  try {
    localStorage.setItem(key, theme.value)
  } catch {
    // Storage may be forbidden: the theme lasts until the page is closed.
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}
