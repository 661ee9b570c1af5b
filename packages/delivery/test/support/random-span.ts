import type { Attributes, HrTime, Link, SpanContext } from '@opentelemetry/api'
import { createTraceState } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'

/** A small seeded generator of numbers in [0, 1). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const ALPHABET = [
  'a',
  'Z',
  '0',
  ' ',
  '"',
  '\\',
  '\u0000',
  '\u007f',
  '\u0080',
  'é',
  'ß',
  '√',
  '你',
  '\uffff',
  '\ufeff',
  '😀',
  '\ud800',
  '\udfff',
]

/** A source of random spans over a few shared resources and scopes. */
export function createSpanSource(random: () => number): () => ReadableSpan {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const below = (limit: number): number => Math.floor(random() * limit)
  const resources = [
    resourceFromAttributes({ 'service.name': 'one', list: ['a', 'b'] }),
    resourceFromAttributes({}),
    resourceFromAttributes({ 'service.name': 'drei ß' }, { schemaUrl: 'https://example.test/schema' }),
  ]
  const scopes = [
    { name: 'langfuse-sdk', version: '5.11.1' },
    { name: 'ai' },
    { name: '', version: '', schemaUrl: 'https://example.test/scope' },
  ]
  return () => ({
    name: text(),
    kind: below(5),
    spanContext: (
      context => () =>
        context
    )(spanContext()),
    ...(random() < 0.7 ? { parentSpanContext: spanContext() } : {}),
    startTime: time(),
    endTime: time(),
    duration: [0, 0],
    ended: true,
    status: pick([{ code: 0 }, { code: 1 }, { code: 2, message: text() }, { code: 0, message: text() }]),
    attributes: attributes(),
    links: many(3, link),
    events: many(3, () => ({
      time: time(),
      name: text(),
      ...(random() < 0.7 ? { attributes: attributes() } : {}),
      ...(random() < 0.3 ? { droppedAttributesCount: below(300) } : {}),
    })),
    resource: pick(resources),
    instrumentationScope: pick(scopes),
    droppedAttributesCount: random() < 0.8 ? 0 : below(100_000),
    droppedEventsCount: random() < 0.8 ? 0 : below(300),
    droppedLinksCount: random() < 0.8 ? 0 : below(300),
  })

  function many<T>(limit: number, make: () => T): T[] {
    return Array.from({ length: below(limit + 1) }, make)
  }

  function hex(length: number): string {
    return Array.from({ length }, () => below(16).toString(16)).join('')
  }

  function spanContext(): SpanContext {
    return {
      traceId: hex(32),
      spanId: hex(16),
      traceFlags: below(256),
      ...(random() < 0.3 ? { isRemote: random() < 0.5 } : {}),
      ...(random() < 0.3 ? { traceState: createTraceState('vendor=value,other=1') } : {}),
    }
  }

  function link(): Link {
    return {
      context: spanContext(),
      ...(random() < 0.5 ? { attributes: attributes() } : {}),
      ...(random() < 0.3 ? { droppedAttributesCount: below(300) } : {}),
    }
  }

  function time(): HrTime {
    return pick<HrTime>([
      [1_790_000_000 + below(100_000_000), below(1e9)],
      [0, 0],
      [4_294_967_296 + below(10_000), 999_999_999],
      [below(70_000), below(1e9)],
    ])
  }

  function text(): string {
    const length = pick([0, 1, 5, 15, 16, 17, 60, 126, 127, 128, 129, 200])
    const plain = random() < 0.6
    return Array.from({ length }, () => (plain ? 'x' : pick(ALPHABET))).join('')
  }

  function attributes(): Attributes {
    return Object.fromEntries(many(8, () => [text(), value(2)])) as Attributes
  }

  function value(depth: number): unknown {
    const leaves = [
      text,
      () => pick(['x', 'é', '你']).repeat(pick([5000, 16_383, 16_384, 70_000])),
      () => random() < 0.5,
      () => below(2 ** 31) - 2 ** 30,
      () => pick([0, -0, -1, 2 ** 53, -(2 ** 53), 2 ** 63, -(2 ** 63), 2 ** 62, 1e300, 2 ** 32, 2 ** 31]),
      () => pick([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1, Number.MIN_VALUE]),
      () => pick([undefined, null]),
      () => new Uint8Array(many(200, () => below(256))),
    ]
    if (depth > 0 && random() < 0.3) return many(4, () => value(depth - 1))
    if (depth > 0 && random() < 0.2) return Object.fromEntries(many(4, () => [text(), value(depth - 1)]))
    return random() < 0.02 ? leaves[1]!() : pick(leaves.filter((_, index) => index !== 1))()
  }
}
