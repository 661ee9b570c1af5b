import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildSync } from 'esbuild'

const FOLDER = join(__dirname, '..', '.github', 'workflows')

// GitHub's own parser imports JSON as a bundler does, which Node.js refuses.
const PARSER = `
  import { readFileSync } from 'node:fs'
  import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser'
  const [name, content] = process.argv.slice(2)
  const { context, value } = parseWorkflow({ name, content: content ?? readFileSync(name, 'utf8') }, new NoOperationTraceWriter())
  if (value) convertWorkflowTemplate(context, value)
  console.log(JSON.stringify(context.errors.getErrors().map(error => error.message)))
`

const folder = mkdtempSync(join(tmpdir(), 'workflows-'))
const parser = join(folder, 'parser.cjs')

beforeAll(() => {
  const stdin = { contents: PARSER, resolveDir: __dirname }
  buildSync({ stdin, bundle: true, platform: 'node', outfile: parser, logLevel: 'error' })
})

afterAll(() => rmSync(folder, { recursive: true }))

async function errorsOf(...args: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [parser, ...args])
  return JSON.parse(stdout) as string[]
}

it.each(readdirSync(FOLDER))('the workflow %s is valid', async name => {
  expect(await errorsOf(join(FOLDER, name))).toEqual([])
})

it.each([
  ['an unknown key', 'on: push\njobs:\n  a:\n    runs-on: x\n    step: []\n'],
  [
    'an expression that cannot be read',
    'on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo $' + '{{ github. }}\n',
  ],
])('%s in a workflow is found', async (_name, content) => {
  expect(await errorsOf('wrong.yml', content)).not.toEqual([])
})
