export { type AdapterAudit, type AdapterRule, type AuditTarget, adapterAudits } from './adapter-audits.ts'
export { type AuditCall, type AuditReply, type AuditRoute, auditRoutes } from './audit-routes.ts'
export type { RecordedObservation, RecordedTrace } from './recorded-trace.ts'
export { type Recorder, recordTraces } from './recorder.ts'
