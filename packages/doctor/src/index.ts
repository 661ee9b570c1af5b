export { type DiagnoseOptions, diagnose } from './diagnose.ts'
export type { Diagnosis, Finding } from './report/finding.ts'
