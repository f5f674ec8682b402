import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { noS3 } from '../support/s3.js'
import { SETUP, SETUPS, type Setup } from '../support/setup.js'

/**
 * The tests of all surfaces once more, on every ground a server can stand on (`support/setup.ts`). In CI a few files that go
 * through everything, in `npm run test:long` all of them.
 */

const LONG = process.env.NOVEM_TEST_LONG === '1'
const SURFACES = LONG
  ? ['http/*', 'webdav/*', 'storage/*', 'matrix/*', 'sharing/*-http', 'sharing/mail']
  : ['http/write', 'http/ranges', 'http/changes', 'webdav/methods', 'webdav/locks', 'sharing/shares-http']

const AVA = fileURLToPath(new URL('../../../node_modules/ava/entrypoints/cli.mjs', import.meta.url))

/** Runs ava on the surfaces, and resolves with its exit code and what it said. */
async function run(setup: Setup): Promise<{ readonly code: number | null; readonly said: string }> {
  const files = SURFACES.map((name) => `dist/test/${name}.test.js`)
  const child = spawn(process.execPath, [AVA, '--timeout=10m', ...files], {
    env: {
      ...process.env,
      NOVEM_TEST_SETUP: setup,
      // What is long about single tests needs no repetition on each.
      NOVEM_TEST_LONG: '',
      // The S3 server of this run serves those below it too.
      NOVEM_TEST_RUN: process.env.NOVEM_TEST_RUN ?? String(process.ppid),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, said }
}

for (const setup of SETUPS) {
  // These tests are a set-up themselves: once is enough.
  if (setup === SETUP || process.env.NOVEM_TEST_SETUP) continue
  test.serial(`${setup}: ${SURFACES.join(', ')}`, async (t) => {
    t.timeout(LONG ? 3_600_000 : 300_000)
    const without = setup === 'pair' ? undefined : noS3()
    if (without !== undefined) {
      t.log(`Not run: ${without}.`)
      t.pass()
      return
    }
    const { code, said } = await run(setup)
    const [passed] = /\d+ tests? passed/.exec(said) ?? []
    t.log(passed ?? 'no test passed')
    t.is(code, 0, code === 0 ? undefined : said.replace(/^.*✔.*\n/gm, '').slice(0, 20_000))
    t.truthy(passed)
  })
}
