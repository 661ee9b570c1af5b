import { useEffect, useRef } from 'preact/hooks'

const name = 'search'
const maxRanges = 500
const pauseMs = 60

/** Marks words in what an element shows, without changing the document. */
export function useHighlight(words: string): { current: HTMLElement | null } {
  const element = useRef<HTMLElement>(null)
  useEffect(() => {
    if (!element.current || words === '' || !('highlights' in CSS)) return
    const target = element.current
    const terms = termsOf(words)
    let timer: ReturnType<typeof setTimeout> | undefined
    const mark = (): void => {
      timer = undefined
      CSS.highlights.set(name, new Highlight(...findRanges(target, terms)))
    }
    mark()
    const observer = new MutationObserver(() => {
      timer ??= setTimeout(mark, pauseMs)
    })
    observer.observe(target, { childList: true, subtree: true, characterData: true })
    return () => {
      observer.disconnect()
      clearTimeout(timer)
      CSS.highlights.delete(name)
    }
  }, [words])
  return element
}

/** The words of a search, in lower case; what is in quotes is one. */
export function termsOf(words: string): string[] {
  return [...words.matchAll(/"([^"]+)"|(\S+)/g)].map(([, quoted, bare]) => (quoted ?? bare!).toLowerCase())
}

function findRanges(target: HTMLElement, terms: readonly string[]): Range[] {
  const ranges: Range[] = []
  const walker = document.createTreeWalker(target, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node && ranges.length < maxRanges; node = walker.nextNode()) {
    const text = node.nodeValue!.toLowerCase()
    for (const term of terms) {
      for (
        let at = text.indexOf(term);
        at !== -1 && ranges.length < maxRanges;
        at = text.indexOf(term, at + term.length)
      ) {
        const range = new Range()
        range.setStart(node, at)
        range.setEnd(node, at + term.length)
        ranges.push(range)
      }
    }
  }
  return ranges
}
