import type { RegisterOptions } from 'fastify'

/** A plugin's own options: what `register` takes for itself comes in with them. */
export function withoutRegisterOptions<Options>(options: Options & RegisterOptions): Options {
  const { prefix, logLevel, logSerializers, ...own } = options
  return own as Options
}
