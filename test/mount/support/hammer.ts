/** `node hammer.js <folder> look|list|disturb`: hammers a folder until SIGTERM, then says how often. What goes wrong with a name that is not there is right. */
import { readdirSync, readFileSync, renameSync, statSync, unlinkSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { Random } from '../../support/random.js'

const NAMES = 40
/** Node has no name for it everywhere. */
const ESTALE = 116
/** That somebody else has changed it between two steps. */
const MEANT = new Set(['ENOENT', 'EISDIR', 'ENOTDIR', 'EEXIST', 'ENOTEMPTY', 'EPERM', 'EBUSY'])
/** To the kernel, for a moment, where a name has become that of another kind of entry. */
const RARE = new Set(['EIO'])

const [, , folder = '', what = 'look'] = process.argv
const random = new Random(process.pid)
let isOver = false
process.on('SIGTERM', () => {
  isOver = true
})

const name = () => `${folder}/name${random.below(NAMES)}`
const steps: Readonly<Record<string, () => unknown>> = {
  look: () => (random.below(5) === 0 ? readFileSync(name()) : statSync(name())),
  list: () => readdirSync(folder, { withFileTypes: true }),
  disturb: () => (random.below(2) === 0 ? unlinkSync(name()) : renameSync(name(), name())),
}

let count = 0
for (; !isOver; count++) {
  if (count % 10 === 0) await turn()
  try {
    steps[what]?.()
  } catch (error) {
    const { code = '', errno, message } = error as NodeJS.ErrnoException
    if (MEANT.has(code)) continue
    // Removed while it was read, or twice between the kernel's looks.
    if (errno === -ESTALE && what !== 'list') continue
    if (!RARE.has(code) || what !== 'look') throw new Error(`${what}: ${message}`, { cause: error })
  }
}
process.stdout.write(String(count))
