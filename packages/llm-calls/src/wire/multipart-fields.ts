const FIELD =
  /content-disposition:[^\r\n]*\bname="([^"]{1,100})"(?![^\r\n]*filename)[^\r\n]*(?:\r\n[^\r\n]+)*\r\n\r\n([^\r\n]{0,500})\r\n--/gi

/** The text fields of a multipart body, or of parts of one. Files are passed over. */
export function multipartFields(body: Buffer): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const [, name = '', value = ''] of body.toString('latin1').matchAll(FIELD)) {
    fields[name] = Buffer.from(value, 'latin1').toString('utf8')
  }
  return fields
}
