import { styleText } from 'node:util'
import type { Level } from '../reading/observation-facts.ts'

/** A style that Node.js knows. */
export type Style = Extract<Parameters<typeof styleText>[0], string>

/** Puts styles on a text, or leaves it as it is. */
export type Paint = (style: Style | Style[], text: string) => string

/** Creates the brush; the caller has already decided whether the terminal has colours. */
export function createPaint(colour: boolean): Paint {
  return (style, text) => (colour && text !== '' ? styleText(style, text, { validateStream: false }) : text)
}

/** Whether Node.js would colour what goes to this stream: NO_COLOR, FORCE_COLOR and a missing terminal count. */
export function hasColour(stream: NodeJS.WriteStream): boolean {
  return styleText('red', 'x', { validateStream: true, stream }) !== 'x'
}

/** The sign that stands for a level, so that colour is not needed to see it. */
export const levelMark: Record<Level, string> = { DEBUG: '○', DEFAULT: '●', WARNING: '▲', ERROR: '✖' }

/** The style of a level. */
export const levelStyle: Record<Level, Style> = {
  DEBUG: 'gray',
  DEFAULT: 'green',
  WARNING: 'yellow',
  ERROR: 'red',
}
