import type { Context } from '@opentelemetry/api'

/**
 * A context of a few values over another: OpenTelemetry's own copies a `Map` for each value that is set, which for the two that a request
 * sets is 0.3 us and 700 bytes.
 */
export class SmallContext implements Context {
  private readonly base: Context
  private readonly key: symbol
  private readonly value: unknown

  constructor(base: Context, key: symbol, value: unknown) {
    this.base = base
    this.key = key
    this.value = value
  }

  getValue(key: symbol): unknown {
    let at: Context = this
    while (at instanceof SmallContext) {
      if (at.key === key) return at.value
      at = at.base
    }
    return at.getValue(key)
  }

  setValue(key: symbol, value: unknown): Context {
    return new SmallContext(this.without(key), key, value)
  }

  deleteValue(key: symbol): Context {
    const { base } = this
    if (this.key === key) return base.deleteValue(key)
    return new SmallContext(base.deleteValue(key), this.key, this.value)
  }

  /** Without a value that is about to be replaced, so that what nests for ever, as a timer that sets the next one does, does not grow. */
  private without(key: symbol): Context {
    const { base } = this
    if (this.key === key) return base
    const rest = base instanceof SmallContext ? base.without(key) : base
    return rest === base ? this : new SmallContext(rest, this.key, this.value)
  }
}
