/**
 * Reads the objects of a JSON array while it arrives, cut anywhere: Gemini streams one if it is not asked for server-sent events.
 * Calls `onItem` with the JSON text of each; an item of more than `maxLength` characters is skipped.
 */
export function createJsonArrayReader(
  maxLength: number,
  onItem: (json: string) => void,
): (text: string) => void {
  let item = ''
  let depth = 0
  let inString = false
  let escaped = false

  return text => {
    let start = depth === 0 ? -1 : 0
    for (let at = 0; at < text.length; at += 1) {
      const character = text[at]
      if (inString) {
        if (escaped) escaped = false
        else if (character === '\\') escaped = true
        else if (character === '"') inString = false
      } else if (character === '"') inString = true
      else if (character === '{' || (character === '[' && depth > 0)) {
        if (depth === 0) start = at
        depth += 1
      } else if ((character === '}' || character === ']') && depth > 0) {
        depth -= 1
        if (depth > 0) continue
        const json = item + text.slice(start, at + 1)
        item = ''
        start = -1
        if (json.length <= maxLength) onItem(json)
      }
    }
    // One character past the bound marks the item as too long.
    if (depth > 0 && item.length <= maxLength) item += text.slice(start)
  }
}
