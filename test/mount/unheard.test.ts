import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { FileSystem } from '../../mount/filesystem.js'
import { close, Scene, writeTo } from './support/scene.js'
import { namesIn, textOf, until, watchedServer } from './support/volumes.js'

/**
 * Writing through, and the answer of the server is lost: what has arrived all the same is this mount's own, also when nothing of it
 * is kept here any more.
 */

let at: Awaited<ReturnType<typeof watchedServer>>
test.before(async () => {
  at = await watchedServer()
})
test.after.always(() => at.stop())

/** It arrives at close(2), of which nothing is heard, and once more when the last handle has gone: then the server is away. */
async function saveUnheard(t: ExecutionContext, fs: FileSystem, scene: Scene, path: string): Promise<void> {
  const handle = await writeTo(fs, path, 'first')
  const closed = t.throwsAsync(Promise.resolve(fs.flush(handle)))
  const first = await scene.nth(1)
  first.send()
  await first.arrived
  first.lose()
  await closed
  await fs.release(handle)
  const again = await scene.nth(2)
  again.lose()
  again.send()
}

for (const path of ['document', 'new']) {
  test(`what is saved after that replaces it: ${path}`, async (t) => {
    const { scene, fs } = await Scene.start(t, at, { write: 'through' })
    await fs.readdir('')
    await saveUnheard(t, fs, scene, path)
    await until(() => existsSync(join(scene.cacheDir, 'unsaved')))
    scene.letAll()
    await close(fs, await writeTo(fs, path, 'second'))
    t.deepEqual(await namesIn(scene.volume), [...new Set(['document', path, 'other'])].sort())
    t.is(await textOf(scene.volume, path), 'second')
  })
}
