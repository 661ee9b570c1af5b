import { variants } from './variants.mjs'

const SHOWN = [
  'ours-traced',
  'ours-keep-errors',
  'ours-sampled-out',
  'reference',
  'opentelemetry',
  'datadog',
  'sentry',
]
const PANELS = [
  ['fastify', 'hello', 'Fastify, hello'],
  ['express', 'hello', 'Express, hello'],
  ['fastify', 'chat', 'Fastify, LLM-like'],
  ['express', 'chat', 'Express, LLM-like'],
]
const WIDTH = 920
const LABELS = 150
const ROW = 22
const HEAD = 34
const PANEL_WIDTH = (WIDTH - LABELS - 40) / 2

/** Bars of CPU time above the bare framework as SVG, for light and dark pages alike. */
export function chart(results) {
  const rows = SHOWN.filter(name => results.some(({ variant }) => variant === name))
  const panelHeight = HEAD + rows.length * ROW + 18
  const panels = PANELS.filter(([framework, route]) => resultsOf(results, framework, route).length > 0)
  const height = 58 + Math.ceil(panels.length / 2) * panelHeight
  const node = results[0]?.node ?? ''
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-labelledby="title">
<title id="title">CPU time per request above the bare framework, by tracer</title>
<style>
text { fill: #1f2328 } .quiet { fill: #59636e } .bar { fill: #8c959f } .ours { fill: #0969da } .range { stroke: #1f2328 } .cut { fill: #ffffff }
@media (prefers-color-scheme: dark) { text { fill: #f0f6fc } .quiet { fill: #9198a1 } .bar { fill: #656c76 } .ours { fill: #4493f8 } .range { stroke: #f0f6fc } .cut { fill: #0d1117 } }
</style>
<text x="0" y="18" font-size="15" font-weight="600">CPU µs per request above the bare framework</text>
<text x="0" y="36" class="quiet">everything exported; shorter is better; lines from least to most; Node ${node}</text>
${panels.map((panel, index) => drawPanel(panel, rows, results, LABELS * ((index + 1) % 2) + (index % 2) * (LABELS + PANEL_WIDTH + 40), 52 + Math.floor(index / 2) * panelHeight, index % 2 === 0)).join('\n')}
</svg>
`
}

function drawPanel([framework, route, title], rows, results, x, y, named) {
  const found = resultsOf(results, framework, route)
  const values = rows.map(name => found.find(({ variant }) => variant === name)?.aboveBareUs)
  const heights = values.filter(value => value !== undefined).map(({ median }) => median)
  const bare = found.find(({ variant }) => variant === 'bare')?.cpuUs.median
  const most = scaleOf(heights)
  const length = value => (Math.min(Math.max(value, 0), most) / most) * (PANEL_WIDTH - 60)
  const lines = rows.map((name, index) => drawBar(name, values[index], index))
  return `<g transform="translate(${x} ${y})">
<text y="16" font-weight="600">${title}${bare === undefined ? '' : ` <tspan class="quiet" font-weight="400">(bare: ${bare.toFixed(0)} µs)</tspan>`}</text>
${lines.join('\n')}
</g>`

  function drawBar(name, value, index) {
    const top = HEAD - 8 + index * ROW
    const middle = top + 8
    const label = named
      ? `<text x="-10" y="${middle + 4}" text-anchor="end">${inXml(variants[name].short ?? variants[name].title)}</text>\n`
      : ''
    if (value === undefined) return `${label}<text x="4" y="${middle + 4}" class="quiet">–</text>`
    const { median, min, max } = value
    const width = length(median)
    const isCut = median > most
    const range = isCut
      ? `<path class="cut" d="M${width - 26} ${top - 1}l6 0l-6 18l-6 0z"/>`
      : `<path class="range" d="M${length(min).toFixed(1)} ${middle}H${length(max).toFixed(1)}"/>`
    const end = isCut ? width : Math.max(width, length(max))
    return `${label}<rect class="${name.startsWith('ours') ? 'ours' : 'bar'}" y="${top}" width="${width.toFixed(1)}" height="16" rx="2"/>${range}<text x="${(end + 6).toFixed(1)}" y="${middle + 4}">${median.toFixed(median < 10 ? 1 : 0)}</text>`
  }
}

/** The longest bar drawn whole: one that dwarfs all others is cut. */
function scaleOf(values) {
  const [most = 1, second = most] = values.toSorted((a, b) => b - a)
  return Math.max(most > 2.5 * second ? 1.25 * second : most, 1)
}

function resultsOf(results, framework, route) {
  return results.filter(result => result.framework === framework && result.route === route)
}

function inXml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
