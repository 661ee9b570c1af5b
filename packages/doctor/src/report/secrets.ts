/** Removes keys from anything that is printed, also in the form in which they are sent. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let shown = text
  for (const secret of secrets) {
    for (const form of [secret, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)])
      if (form.length > 3) shown = shown.replaceAll(form, '[redacted]')
  }
  return shown
}

/** A key by its first characters, which tell its kind and not its value. */
export function shownKey(key: string): string {
  return `${key.slice(0, 8)}…`
}
