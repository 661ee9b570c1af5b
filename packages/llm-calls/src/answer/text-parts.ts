/** A text that comes in small pieces, held as little more than its characters. */
export interface TextParts {
  add(part: string): void
  joined(): string
}

const PARTS = 256

/** Starts empty. */
export function createTextParts(): TextParts {
  let joined = ''
  let parts: string[] = []

  function join(): string {
    joined += parts.join('')
    parts = []
    return joined
  }

  return {
    add(part) {
      // A string of its own costs several times what a token has of characters.
      if (parts.push(part) === PARTS) join()
    },
    joined: join,
  }
}
