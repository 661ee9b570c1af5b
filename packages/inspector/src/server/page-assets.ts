import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { Reply } from './reply.ts'

const types: Record<string, string> = {
  'app.js': 'text/javascript; charset=utf-8',
  'app.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
}

// Nothing inline, nothing from elsewhere, and no text ever turned into markup or script.
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** The page and what it loads. */
export interface PageAssets {
  page: Reply
  /** By path, such as `/assets/app-0a1b2c3d.js`. */
  asset(path: string): Reply | undefined
}

/** Reads the built page; `undefined` where it was not built. */
export function readPageAssets(): PageAssets | undefined {
  // Beside this file once published, in dist while the sources run.
  const folder = ['./page/', '../../dist/page/']
    .map(path => new URL(path, import.meta.url))
    .find(url => existsSync(new URL('app.js', url)))
  if (!folder) return undefined
  const assets = new Map<string, Reply>()
  const paths: Record<string, string> = {}
  for (const [name, contentType] of Object.entries(types)) {
    const body = name === 'app.css' ? readStyles(folder) : readFileSync(new URL(name, folder))
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 12)
    const path = `/assets/${name.replace('.', `-${hash}.`)}`
    paths[name] = path
    assets.set(path, {
      statusCode: 200,
      contentType,
      body,
      headers: { 'cache-control': 'public, max-age=31536000, immutable' },
    })
  }
  const page: Reply = {
    statusCode: 200,
    contentType: 'text/html; charset=utf-8',
    headers: {
      'content-security-policy': contentSecurityPolicy,
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      vary: 'accept',
    },
    body: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Langfuse inspector</title>
<link rel="icon" href="${paths['icon.svg']}">
<link rel="stylesheet" href="${paths['app.css']}">
<script type="module" src="${paths['app.js']}"></script>
</head>
<body><noscript>The inspector's page needs JavaScript. As text: curl this address.</noscript></body>
</html>
`,
  }
  return { page, asset: path => assets.get(path) }
}

/** The style sheets in order of their names, as one. */
function readStyles(folder: URL): string {
  const styles = new URL('styles/', folder)
  return readdirSync(styles)
    .toSorted()
    .map(name => readFileSync(new URL(name, styles), 'utf8'))
    .join('\n')
}
