import { type JsonObject, members, text } from '../wire/json.ts'

/** The message of an error that an answer or an event reports; undefined if it reports none. */
export function reportedError(data: JsonObject, event: string | undefined): string | undefined {
  const { error } = data
  const isError =
    event === 'error' ||
    data.type === 'error' ||
    data.object === 'error' ||
    (typeof error === 'object' && error !== null) ||
    text(error) !== undefined
  return isError ? messageOf(data) : undefined
}

/** The message in the body of a response with an error status. */
export function messageOf(data: JsonObject): string {
  const error = members(data.error)
  return (
    text(data.error) ??
    text(error.message) ??
    text(members(error.error).message) ??
    text(data.message) ??
    text(data.Message) ??
    text(data.errorText) ??
    text(data.detail) ??
    text(members(data.message).message) ??
    text(error.type) ??
    text(error.code) ??
    'an error without a message'
  )
}
