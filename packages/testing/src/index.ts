export { adapterAudits, type AdapterAudit, type AuditTarget } from './adapter-audits.ts'
export { type AuditCall, type AuditReply, type AuditRoute, auditRoutes } from './audit-routes.ts'
export { type RecordedObservation, type RecordedTrace } from './recorded-trace.ts'
export { type Recorder, recordTraces } from './recorder.ts'
