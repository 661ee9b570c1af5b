import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { createAnswer } from '../src/answer/answer.ts'
import { DIALECTS } from '../src/dialects/dialects.ts'
import { createResponseReader } from '../src/reading/response-reader.ts'
import { bytesOf, type FakeResponse } from './support/fake-provider.ts'

const FOLDER = join(__dirname, 'exchanges')

interface Exchange {
  readonly name: string
  readonly request: { readonly path: string }
  readonly response: FakeResponse
}

const exchanges = readdirSync(FOLDER).flatMap(file =>
  (JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Exchange[]).map(
    exchange => [`${file} ${exchange.name}`, exchange] as const,
  ),
)
const readable = exchanges.flatMap(([name, { request, response }]) => {
  const path = request.path.split('?')[0] ?? ''
  const dialect = DIALECTS.find(one => one.path.test(path))
  const body = Buffer.concat(response.chunks.map(bytesOf))
  // A body of megabytes is not cut a hundred times.
  return dialect === undefined || body.length > 50_000 ? [] : [[name, { dialect, response, body }] as const]
})

describe.each(readable)('%s', (_name, { dialect, response, body }) => {
  function contentOf(pieces: readonly Buffer[]): object {
    const answer = createAnswer(1024 * 1024)
    const { status: statusCode = 200, contentType = '' } = response
    const reader = createResponseReader({ dialect, answer, statusCode, contentType, maxBytes: 1024 * 1024 })
    for (const piece of pieces) reader.push(piece)
    reader.end()
    return { ...answer.content(), error: answer.error, isStream: reader.isStream }
  }
  const whole = contentOf([body])

  it('reads the same, wherever the network cuts it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(body.length), { maxLength: 12 }), cuts => {
        const ends = [...cuts.sort((left, right) => left - right), body.length]
        expect(contentOf(ends.map((end, at) => body.subarray(ends[at - 1] ?? 0, end)))).toEqual(whole)
      }),
      { numRuns: 30 },
    )
  })

  it('reads the same byte by byte', () => {
    expect(contentOf([...body].map(byte => Buffer.from([byte])))).toEqual(whole)
  })

  it('reads what there is of it, whatever its end', () => {
    for (let step = 1; step <= 20; step += 1) {
      expect(() => contentOf([body.subarray(0, Math.floor((body.length * step) / 20))])).not.toThrow()
    }
  })
})
