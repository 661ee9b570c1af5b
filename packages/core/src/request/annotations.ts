import type { ObservationUpdate } from '../context/request-trace.ts'
import type { ObservationType, RouteOptions } from '../options/request-options.ts'

/** Longest name and tag, in characters. */
export const MAX_TEXT = 200

/** What the app sets on a trace, by `request.langfuse` and the options of a route. */
export class Annotations {
  name: string | undefined
  userId: string | undefined
  sessionId: string | undefined
  readonly tags: string[] = []
  metadata: Record<string, unknown> | undefined
  update: ObservationUpdate | undefined
  isPublic = false
  type: ObservationType | undefined
  skipped = false

  setName(name: string): void {
    if (typeof name === 'string' && name !== '') this.name = name.slice(0, MAX_TEXT)
  }

  addTags(tags: readonly string[]): void {
    for (const tag of tags) {
      if (typeof tag === 'string' && tag !== '' && !this.tags.includes(tag))
        this.tags.push(tag.slice(0, MAX_TEXT))
    }
  }

  addMetadata(metadata: Record<string, unknown>): void {
    this.metadata = { ...this.metadata, ...metadata }
  }

  addUpdate(update: ObservationUpdate): void {
    const metadata = { ...this.update?.metadata, ...update?.metadata }
    this.update = { ...this.update, ...update, metadata }
  }

  addRoute({ name, tags, metadata, type }: RouteOptions): void {
    if (type !== undefined) this.type = type
    if (name !== undefined) this.setName(name)
    if (tags !== undefined) this.addTags(tags)
    if (metadata !== undefined) this.addMetadata(metadata)
  }
}

/** The annotations of a request on which nothing is set. */
export const NO_ANNOTATIONS: Annotations = new Annotations()
Object.freeze(NO_ANNOTATIONS.tags)
Object.freeze(NO_ANNOTATIONS)
