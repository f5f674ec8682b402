import { createRequire } from 'node:module'

/** What we use of it. Its own types are those of a browser's page, which we do not have. */
interface Echarts {
  init(
    page: null,
    theme: null,
    options: { renderer: 'svg'; ssr: true; width: number; height: number },
  ): {
    setOption(options: Readonly<Record<string, unknown>>): void
    renderToSVGString(): string
    dispose(): void
  }
}

const { init } = createRequire(import.meta.url)('echarts') as Echarts

/** Lines or bars of one name and colour. */
export interface Series {
  readonly name: string
  /** null: was not measured. */
  readonly values: readonly (number | null)[]
}

export interface Chart {
  readonly title: string
  /** What the values are. */
  readonly unit: string
  readonly series: readonly Series[]
  readonly logarithmic?: boolean
}

const WIDTH = 860
const BAR = 11
/** Ours is the same green everywhere. */
const COLOURS = ['#2a9d5c', '#d1495b', '#3d6fb6', '#e0a030', '#7b5ea7', '#6b7280']

/** Groups of lying bars, one group a category, from the top. */
export function bars(chart: Chart, categories: readonly string[]): string {
  const height = 90 + categories.length * (14 + BAR * chart.series.length)
  return draw(chart, height, {
    grid: { left: 300, right: 60, top: 60, bottom: 36 },
    xAxis: { ...valueAxis(chart), name: chart.unit, nameLocation: 'middle', nameGap: 24 },
    yAxis: {
      type: 'category',
      inverse: true,
      data: [...categories],
      axisLabel: { width: 280, overflow: 'break', fontSize: 11 },
    },
    series: chart.series.map(({ name, values }) => ({
      type: 'bar',
      name,
      data: [...values],
      barWidth: BAR - 2,
      label: {
        show: true,
        position: 'right',
        fontSize: 9,
        formatter: ({ value }: { value: number }) => short(value),
      },
    })),
  })
}

/** Lines over sizes; both axes may span decades. */
export function curves(chart: Chart, of: string, sizes: readonly number[]): string {
  return draw(chart, 360, {
    grid: { left: 80, right: 40, top: 80, bottom: 50 },
    xAxis: {
      type: 'category',
      data: sizes.map((size) => size.toLocaleString('en')),
      name: of,
      nameLocation: 'middle',
      nameGap: 28,
    },
    yAxis: { ...valueAxis(chart), name: chart.unit },
    series: chart.series.map(({ name, values }) => ({
      type: 'line',
      name,
      data: [...values],
      symbolSize: 7,
      connectNulls: true,
    })),
  })
}

function valueAxis({ logarithmic = false }: Chart) {
  return { type: logarithmic ? 'log' : 'value', axisLabel: { formatter: short } }
}

function draw({ title }: Chart, height: number, options: Readonly<Record<string, unknown>>): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    color: COLOURS,
    title: { text: title, left: 10, top: 6, textStyle: { fontSize: 14 } },
    legend: { top: 30, left: 10, itemHeight: 10, itemGap: 26, textStyle: { fontSize: 11 } },
    ...options,
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

function short(value: number): string {
  if (value >= 10_000) return `${Math.round(value / 1000)}k`
  if (value >= 1000) return `${(value / 1000).toFixed(1)}k`
  return value >= 10 ? String(Math.round(value)) : String(Number(value.toPrecision(2)))
}
