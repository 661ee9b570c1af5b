/** Yields the name and the bytes of every span in an OTLP request, in protobuf or JSON. */
export function* spansOf(body, contentType) {
  if (contentType.includes('json')) {
    for (const { scopeSpans } of JSON.parse(body.toString()).resourceSpans ?? []) {
      for (const { spans } of scopeSpans) for (const span of spans) yield [span.name, JSON.stringify(span)]
    }
    return
  }
  for (const [, resourceSpans] of fields(body)) {
    for (const [number, scopeSpans] of fields(resourceSpans)) {
      if (number !== 2) continue
      for (const [kind, span] of fields(scopeSpans)) {
        if (kind !== 2) continue
        for (const [field, content] of fields(span))
          if (field === 5) yield [content.toString(), span.toString('latin1')]
      }
    }
  }
}

function* fields(message) {
  let at = 0
  while (at < message.length) {
    const tag = varint()
    const wire = tag & 7
    const length = wire === 2 ? varint() : wire === 1 ? 8 : wire === 5 ? 4 : 0
    if (wire === 0) varint()
    yield [tag >> 3, message.subarray(at, at + length)]
    at += length
  }

  function varint() {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++]
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
}
