import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hookHead } from '../src/http/response-head.ts'

/** The raw headers of a response that `answer` writes, with `x-own: ours` added. */
async function headersOf(answer: (response: ServerResponse) => void, settles = false): Promise<string[]> {
  const server = createServer((_request, response) => {
    hookHead(response, {
      head(head) {
        if (settles) head.settle()
        head.add('x-own', 'ours')
      },
    })
    answer(response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const [response] = (await once(get({ port: (server.address() as AddressInfo).port }), 'response')) as [
    IncomingMessage,
  ]
  response.resume()
  await once(response, 'end')
  server.close()
  return response.rawHeaders.filter((_, index, all) => /^(x-|set-cookie)/i.test(all[index - (index % 2)]!))
}

it.each<[string, (response: ServerResponse) => void, string[]]>([
  ['no headers', response => response.end(), ['x-own', 'ours']],
  ['headers set one by one', r => r.setHeader('x-a', '1').end(), ['x-a', '1', 'x-own', 'ours']],
  ['an object', r => r.writeHead(200, { 'x-a': '1' }).end(), ['x-a', '1', 'x-own', 'ours']],
  [
    'a reason and an object',
    r => r.writeHead(200, 'Fine', { 'x-a': 1 }).end(),
    ['x-a', '1', 'x-own', 'ours'],
  ],
  ['a list', r => r.writeHead(200, ['x-a', '1']).end(), ['x-a', '1', 'x-own', 'ours']],
  [
    'a list that names one twice',
    r => r.writeHead(200, ['set-cookie', 'a', 'set-cookie', 'b']).end(),
    ['set-cookie', 'a', 'set-cookie', 'b', 'x-own', 'ours'],
  ],
  ['the header itself', r => r.setHeader('X-Own', 'theirs').end(), ['X-Own', 'theirs']],
  ['the header itself in an object', r => r.writeHead(200, { 'X-Own': 'theirs' }).end(), ['X-Own', 'theirs']],
  ['the header itself in a list', r => r.writeHead(200, ['X-Own', 'theirs']).end(), ['X-Own', 'theirs']],
])('adds a header to %s, and never over one of the app', async (_name, answer, expected) => {
  expect(await headersOf(answer)).toEqual(expected)
})

it('leaves no header of a writeHead that failed', async () => {
  let left: unknown
  const headers = await headersOf(response => {
    expect(() => response.writeHead(42, { 'x-encoding': 'gzip' })).toThrow('Invalid status code: 42')
    left = response.getHeaders()
    response.writeHead(500).end()
  }, true)
  expect(left).toEqual({})
  expect(headers).toEqual(['x-own', 'ours'])
})

it('takes the first who asks, and leaves the others', async () => {
  const first = await headersOf(response => {
    hookHead(response, { head: head => head.add('x-second', 'no') })
    response.writeHead(200).end()
  })
  expect(first).toEqual(['x-own', 'ours'])
})

it('leaves an object of headers as the app made it', async () => {
  const shared = Object.freeze({ 'x-a': '1' })
  expect(await headersOf(response => response.writeHead(200, shared).end())).toEqual([
    'x-a',
    '1',
    'x-own',
    'ours',
  ])
})

it('works under another that stands in for writeHead, before and after', async () => {
  const around = (response: ServerResponse) => {
    const { writeHead } = response
    response.writeHead = ((...args: [number]) => {
      response.setHeader('x-other', 'too')
      return writeHead.apply(response, args)
    }) as ServerResponse['writeHead']
  }
  const server = createServer((_request, response) => {
    around(response)
    hookHead(response, { head: head => head.add('x-own', 'ours') })
    around(response)
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const [response] = (await once(get({ port: (server.address() as AddressInfo).port }), 'response')) as [
    IncomingMessage,
  ]
  response.resume()
  server.close()
  expect(response.headers).toMatchObject({ 'x-own': 'ours', 'x-other': 'too' })
})
