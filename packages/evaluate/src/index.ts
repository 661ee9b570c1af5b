export { EvaluateError, type EvaluateErrorCode } from './basics/evaluate-error.ts'
export type { DatasetItem, EvaluationItem } from './data/item.ts'
export { readJsonLines } from './data/json-lines.ts'
export type {
  EvaluationContext,
  EvaluationScore,
  Evaluator,
  EvaluatorResult,
} from './evaluators/evaluator.ts'
export { type JudgeOptions, judge } from './evaluators/judge.ts'
export {
  contains,
  exactMatch,
  jsonMatch,
  jsonSchema,
  matches,
  type OutputOptions,
} from './evaluators/output-evaluators.ts'
export {
  calledTools,
  grounded,
  maxCost,
  maxDurationMs,
  maxFirstTokenMs,
  maxTokens,
  noErrors,
} from './evaluators/trace-evaluators.ts'
export type { LangfuseOption } from './langfuse/connection.ts'
export type { LangfuseDataset } from './langfuse/load-dataset.ts'
export { formatJson } from './report/json.ts'
export { formatJUnit } from './report/junit.ts'
export { formatMarkdown } from './report/markdown.ts'
export { formatTable } from './report/table.ts'
export { defineEvaluation } from './run/define-evaluation.ts'
export type { EvaluateRouteOptions, Progress } from './run/evaluate-options.ts'
export { evaluateRoute } from './run/evaluate-route.ts'
export type { RouteRequest } from './target/route-request.ts'
export type { RouteResponse } from './target/route-response.ts'
export type { EvaluatedApp } from './target/route-target.ts'
export type { RouteTrace, TracedObservation } from './trace/route-trace.ts'
export type { EvaluationResult, ItemResult } from './verdict/evaluation-result.ts'
export type { ScoreSummary, Statistic } from './verdict/score-summary.ts'
export type { Bound, Threshold, ThresholdCheck, Thresholds } from './verdict/thresholds.ts'
