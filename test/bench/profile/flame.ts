import type { Frame } from './cpu-profile.js'
import { type Kind, kindOf } from './kinds.js'

const WIDTH = 1200
const ROW = 17
const TOP = 46
/** Narrower ones cannot be seen. */
const LEAST = 0.6
/** About a letter. */
const LETTER = 6.3

const COLOURS: Readonly<Record<Kind, string>> = {
  'our own code': '#2a9d5c',
  'the Redis client': '#d1495b',
  'files (node:fs)': '#3d6fb6',
  'HTTP, sockets and streams (Node)': '#e0a030',
  'other packages': '#7b5ea7',
  'garbage collection': '#6b7280',
  'native, called by nobody in particular': '#b9bec7',
}

/** A flame graph that hangs from its root: what is below was called by what is above, as wide as the time it took. */
export function flameGraph(title: string, root: Frame): string {
  const boxes: string[] = []
  let depth = 0
  const draw = (frame: Frame, x: number, level: number, caller: Kind) => {
    const width = (frame.total / root.total) * WIDTH
    if (width < LEAST) return
    depth = Math.max(depth, level)
    const kind = kindOf(frame) ?? caller
    boxes.push(box(frame, x, level, width, COLOURS[kind], frame.total / root.total))
    let at = x
    for (const child of [...frame.children].sort((a, b) => b.total - a.total)) {
      draw(child, at, level + 1, kind)
      at += (child.total / root.total) * WIDTH
    }
  }
  draw(root, 0, 0, 'native, called by nobody in particular')
  const height = TOP + (depth + 1) * ROW + 6
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="6" y="16" font-size="14" font-weight="bold">${escaped(title)}</text>`,
    legend(),
    ...boxes,
    '</svg>\n',
  ].join('\n')
}

function box(
  { name, url, line }: Frame,
  x: number,
  level: number,
  width: number,
  colour: string,
  share: number,
): string {
  const file = url.split('/').slice(-2).join('/')
  const what = name === '' ? `(anonymous) ${file}:${line}` : name
  const letters = Math.floor((width - 4) / LETTER)
  const label =
    letters < 3
      ? ''
      : `<text x="${(x + 2).toFixed(1)}" y="${TOP + level * ROW + 12}">${escaped(what.slice(0, letters))}</text>`
  const place = `x="${x.toFixed(1)}" y="${TOP + level * ROW}" width="${Math.max(width - 0.4, 0.3).toFixed(1)}" height="${ROW - 1}"`
  const hint = `<title>${escaped(`${what}${url === '' ? '' : ` — ${file}:${line}`}`)}, ${(100 * share).toFixed(1)} %</title>`
  return `<g>${hint}<rect ${place} fill="${colour}" fill-opacity="0.75"/>${label}</g>`
}

function legend(): string {
  let x = 6
  return Object.entries(COLOURS)
    .map(([kind, colour]) => {
      const item = `<rect x="${x}" y="25" width="10" height="10" fill="${colour}"/><text x="${x + 14}" y="34">${kind}</text>`
      x += 26 + kind.length * LETTER
      return item
    })
    .join('')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
