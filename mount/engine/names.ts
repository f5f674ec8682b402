/** Names of the mount's own making. */
import { NAME_BYTES } from '../../src/space/names.js'

/** `report.txt` → `report (conflict <host> <YYYY-MM-DD HHMMSS>).txt`, cut to fit; `count` tells further ones of a second apart. */
export function conflictName(name: string, host: string, at: Date, count = 1): string {
  const dot = name.lastIndexOf('.')
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, '']
  const [day = '', time = ''] = at.toISOString().split('T')
  const when = `${day} ${time.slice(0, 8).replaceAll(':', '')}`
  const mark = ` (conflict ${host} ${when}${count > 1 ? ` ${count}` : ''})`
  const room = NAME_BYTES - Buffer.byteLength(mark) - Buffer.byteLength(extension)
  return `${cut(stem, Math.max(room, 1))}${mark}${extension}`
}

/** As many whole characters as fit into so many bytes. */
function cut(text: string, bytes: number): string {
  let kept = ''
  let size = 0
  for (const character of text) {
    size += Buffer.byteLength(character)
    if (size > bytes) break
    kept += character
  }
  return kept
}
