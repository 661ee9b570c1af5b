/** Keys and address of a Langfuse project. */
export interface LangfuseProject {
  readonly baseUrl: string
  readonly publicKey: string
  readonly secretKey: string
}

/** Asks Langfuse's API; redirects are not followed. */
export function askLangfuse(
  { baseUrl, publicKey, secretKey }: LangfuseProject,
  path: string,
  timeoutMs: number,
): Promise<Response> {
  const credentials = Buffer.from(`${publicKey}:${secretKey}`).toString('base64')
  return fetch(`${baseUrl.replace(/\/+$/, '')}${path}`, {
    headers: { authorization: `Basic ${credentials}` },
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  })
}
