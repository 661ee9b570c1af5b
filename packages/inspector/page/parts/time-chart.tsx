import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { theme } from '../data/theme.ts'

/** A line of a chart. */
export interface ChartSeries {
  label: string
  /** A custom property of the style sheet, such as `--error`. */
  colour: string
  values: (number | null)[]
  format?(value: number): string
}

const height = 170

/** Values over time; screen readers get the label, and the tables beside have the figures. */
export function TimeChart(props: { label: string; timesMs: number[]; series: ChartSeries[] }) {
  const box = useRef<HTMLDivElement>(null)
  const { label, timesMs, series } = props
  useEffect(() => {
    const element = box.current!
    const style = getComputedStyle(element)
    const colour = (name: string): string => resolveColour(element, name)
    const axis = {
      stroke: colour('--muted'),
      grid: { stroke: colour('--line'), width: 1 },
      font: `11px ${style.fontFamily}`,
    }
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height,
        legend: { live: false },
        cursor: { drag: { x: false, y: false } },
        scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
        axes: [
          axis,
          {
            ...axis,
            size: 62,
            values: (_, ticks) => ticks.map(tick => series[0]!.format?.(tick) ?? String(tick)),
          },
        ],
        series: [
          {},
          ...series.map(({ label, colour: name }) => ({
            label,
            stroke: colour(name),
            width: 2,
            points: { show: timesMs.length < 3 },
          })),
        ],
      },
      [timesMs.map(ms => ms / 1000), ...series.map(({ values }) => values)],
      element,
    )
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      plot.destroy()
    }
  }, [timesMs, series, theme.value])
  return <div class="chart" ref={box} role="img" aria-label={label} />
}

/** A canvas knows no custom properties: asks the browser what they stand for. */
function resolveColour(element: HTMLElement, name: string): string {
  const probe = document.createElement('i')
  probe.style.color = `var(${name})`
  element.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
