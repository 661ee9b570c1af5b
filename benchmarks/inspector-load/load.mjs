// Starts the inspector on a file of traces and gets the list: `node load.mjs <file>` prints how long each took, in milliseconds.
import { startInspector } from '@langfuse-middleware/inspector'

const [, , file] = process.argv
const startedAt = performance.now()
const inspector = await startInspector({ port: 0, file })
const listeningAt = performance.now()
const { traces } = await (await fetch(`${inspector.url}/api/traces`)).json()
const listedAt = performance.now()
const { spans } = inspector.stats()
console.log(
  JSON.stringify({
    load: listeningAt - startedAt,
    list: listedAt - listeningAt,
    traces: traces.length,
    spans,
  }),
)
await inspector.close()
