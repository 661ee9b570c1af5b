import type { RequestLike } from '../http/request-like.ts'

/** What parsers of bodies leave on a request: the frameworks' own, multer, @fastify/multipart. */
export interface ParsedRequest extends RequestLike {
  readonly body?: unknown
  readonly file?: unknown
  readonly files?: unknown
  readonly savedRequestFiles?: unknown
}

/** A file as multer and @fastify/multipart describe one. */
interface FileLike {
  readonly fieldname?: unknown
  readonly originalname?: unknown
  readonly filename?: unknown
  readonly mimetype?: unknown
  readonly size?: unknown
  readonly file?: { readonly bytesRead?: unknown }
}

/** The fields of a multipart body, and of its files name, type and size; undefined where nothing has parsed it. */
export function multipartBody(request: ParsedRequest): unknown {
  const { body, file, files, savedRequestFiles } = request
  const said = new Map<string, unknown>()
  if (typeof body === 'object' && body !== null) {
    for (const [name, value] of Object.entries(body)) {
      said.set(name, Array.isArray(value) ? value.map(part) : part(value))
    }
  }
  for (const one of [file, files, savedRequestFiles].flatMap(listed)) {
    const name = String(one.fieldname)
    const before = said.get(name)
    if (Array.isArray(before)) before.push(describe(one))
    else said.set(name, before === undefined ? describe(one) : [before, describe(one)])
  }
  return said.size === 0 ? undefined : Object.fromEntries(said)
}

/** multer gives one file, a list, or lists by field; @fastify/multipart's `file` and `files` are functions to call. */
function listed(value: unknown): FileLike[] {
  if (typeof value !== 'object' || value === null) return []
  if (isFile(value)) return [value]
  return Object.values(value).flat().filter(isFile)
}

/** A part as `attachFieldsToBody` gives it. */
function part(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (isFile(value)) return describe(value)
  const { type, value: content } = value as { type?: unknown; value?: unknown }
  return type === 'field' ? content : value
}

function isFile(value: unknown): value is FileLike {
  if (typeof value !== 'object' || value === null) return false
  const { mimetype, originalname, filename } = value as FileLike
  return mimetype !== undefined && (originalname !== undefined || filename !== undefined)
}

function describe({ originalname, filename, mimetype, size, file }: FileLike): object {
  return { name: originalname ?? filename, type: mimetype, size: size ?? file?.bytesRead }
}
