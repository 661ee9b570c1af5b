import type { ComponentChildren } from 'preact'

const inlineImage = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/
const mediaTag = /(@@@langfuseMedia:[^@]{1,500}@@@)/
const maxInlineLength = 4_000_000

/** An image or file by its reference: nothing is ever loaded from elsewhere. */
export function MediaReference({ reference }: { reference: string }) {
  if (reference.length <= maxInlineLength && inlineImage.test(reference)) {
    return <img class="media" src={reference} alt="Sent along with the message" />
  }
  const type = /^@@@langfuseMedia:type=([^|]+)/.exec(reference)?.[1] ?? /^data:([^;,]+)/.exec(reference)?.[1]
  const shown = reference.length > 120 ? `${reference.slice(0, 120)}…` : reference
  return (
    <span class="media reference">
      <b>{type ?? 'media'}</b> <code>{shown}</code>
    </span>
  )
}

/** A text in which Langfuse's media tags are shown as references. */
export function withMedia(text: string): ComponentChildren {
  return text
    .split(mediaTag)
    .map(part => (part.startsWith('@@@langfuseMedia:') ? <MediaReference reference={part} /> : part))
}
