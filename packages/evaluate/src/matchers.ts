import type { RecordedTrace } from '@langfuse-middleware/testing'
import { isCalledInOrder } from './evaluators/trace-evaluators.ts'
import { fromRecorded } from './trace/from-recorded.ts'
import type { RouteTrace, TracedObservation } from './trace/route-trace.ts'

/** What Jest and Vitest expect of a matcher. */
interface MatcherResult {
  pass: boolean
  message: () => string
}

/** Fields that a generation must have. */
export interface ExpectedGeneration {
  name?: string | RegExp
  model?: string | RegExp
}

/** The matchers of `@langfuse-middleware/evaluate/matchers`, for a recorded trace or the trace of an evaluated item. */
export interface TraceMatchers<R = unknown> {
  /** Passes if the tools were called in this order. */
  toHaveCalledTools(tools: readonly string[], options?: { exact?: boolean }): R
  /** Passes if no observation has level ERROR. */
  toHaveNoErrors(): R
  /** Passes if the trace's generations cost less than so many US dollars. */
  toCostLessThan(dollars: number): R
  /** Passes if the trace's generations used fewer than so many tokens. */
  toUseFewerTokensThan(tokens: number): R
  /** Passes if a generation has these fields; a model given as text may be followed by its date. */
  toHaveGeneration(expected?: ExpectedGeneration): R
}

type Traced = RecordedTrace | RouteTrace | Promise<RecordedTrace | RouteTrace>

/**
 * Matchers for traces.
 *
 * @example
 * expect.extend(traceMatchers)
 * await expect(trace).toHaveCalledTools(['search'])
 */
export const traceMatchers = {
  async toHaveCalledTools(
    received: Traced,
    tools: readonly string[],
    { exact = false }: { exact?: boolean } = {},
  ): Promise<MatcherResult> {
    const { toolsCalled } = await traceOf(received)
    return verdict(
      isCalledInOrder(toolsCalled, tools, exact),
      `call ${tools.join(', ')}`,
      `called: ${toolsCalled.join(', ') || 'none'}`,
    )
  },
  async toHaveNoErrors(received: Traced): Promise<MatcherResult> {
    const { errors } = await traceOf(received)
    const found = errors.map(({ name, statusMessage }) => `${name}: ${statusMessage ?? 'ERROR'}`)
    return verdict(errors.length === 0, 'have no errors', found.join('\n') || 'no error')
  },
  async toCostLessThan(received: Traced, dollars: number): Promise<MatcherResult> {
    const { cost } = await traceOf(received)
    return verdict(
      cost !== undefined && cost < dollars,
      `cost less than $${dollars}`,
      cost === undefined ? 'the price of a model is not known' : `cost $${cost}`,
    )
  },
  async toUseFewerTokensThan(received: Traced, limit: number): Promise<MatcherResult> {
    const { tokens } = await traceOf(received)
    return verdict(tokens.total < limit, `use fewer than ${limit} tokens`, `used ${tokens.total}`)
  },
  async toHaveGeneration(received: Traced, expected: ExpectedGeneration = {}): Promise<MatcherResult> {
    const { generations } = await traceOf(received)
    const found = generations.map(({ name, model }) => `${name} (${model ?? 'no model'})`)
    return verdict(
      generations.some(generation => isExpected(generation, expected)),
      `have a generation ${JSON.stringify(expected, (_key, value) => (value instanceof RegExp ? String(value) : value))}`,
      `generations: ${found.join(', ') || 'none'}`,
    )
  },
}

async function traceOf(received: Traced): Promise<RouteTrace> {
  const trace = await received
  if (trace === undefined || trace === null || !('observations' in trace))
    throw new TypeError('expected a trace of recordTraces() or of an evaluated item')
  return 'toolsCalled' in trace ? trace : fromRecorded(trace)
}

function isExpected(generation: TracedObservation, { name, model }: ExpectedGeneration): boolean {
  return isMatch(generation.name, name, false) && isMatch(generation.model ?? '', model, true)
}

function isMatch(value: string, expected: string | RegExp | undefined, isModel: boolean): boolean {
  if (expected === undefined) return true
  if (expected instanceof RegExp) return value.search(expected) !== -1
  return (
    value === expected || (isModel && /^-\d/.test(value.slice(expected.length)) && value.startsWith(expected))
  )
}

function verdict(pass: boolean, expectation: string, found: string): MatcherResult {
  return { pass, message: () => `expected the trace ${pass ? 'not ' : ''}to ${expectation}\n${found}` }
}
