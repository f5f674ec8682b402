import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { tempFolder } from '../support/folder.js'

/** A small project with our `setup.mjs`, and a machine of which we decide which programs it has. */
interface Machine {
  readonly root: string
  has(program: string, script: string): void
  setup(settings?: Readonly<Record<string, string>>): { readonly code: number | null; readonly said: string }
  /** The calls that its programs have noted. */
  calls(): string
}

const REDIS = 'echo "Redis server v=7.2.0 sha=0"'
const OLD_REDIS = 'echo "Redis server v=6.0.16 sha=0"'
const LOCK = { packages: { '': {}, 'node_modules/left': { integrity: 'sha512-1' } } }

function machine(t: ExecutionContext): Machine {
  const root = tempFolder(t)
  const bin = join(root, 'bin')
  const note = join(root, 'calls')
  const write = (path: string, text: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const has = (program: string, script: string) => {
    writeFileSync(join(bin, program), `#!/bin/sh\necho "${program} $*" >> ${note}\n${script}\n`)
    chmodSync(join(bin, program), 0o755)
  }
  mkdirSync(bin)
  for (const program of ['sh', 'env', 'cat', 'chmod']) symlinkSync(`/bin/${program}`, join(bin, program))
  symlinkSync(process.execPath, join(bin, 'node'))
  // Whoever runs the tests: as an ordinary user one goes through sudo.
  has('sudo', 'shift; exec "$@"')
  mkdirSync(join(root, 'src'))
  copyFileSync(join(process.cwd(), 'src/setup.mjs'), join(root, 'src/setup.mjs'))
  write('package-lock.json', JSON.stringify(LOCK))
  write('node_modules/.package-lock.json', JSON.stringify(LOCK))
  write('tsconfig.json', '{}')
  write('src/main.ts', '')
  write(
    'node_modules/typescript/bin/tsc',
    `const fs = require('node:fs')
     fs.appendFileSync(${JSON.stringify(note)}, 'tsc\\n')
     fs.mkdirSync(${JSON.stringify(join(root, 'dist/src'))}, { recursive: true })
     fs.writeFileSync(${JSON.stringify(join(root, 'dist/src/main.js'))}, '')`,
  )
  return {
    root,
    has,
    setup: (settings = {}) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, ['src/setup.mjs'], {
        cwd: root,
        env: { PATH: bin, ...settings },
        encoding: 'utf8',
      })
      t.is(stdout, '', 'stdout belongs to the command that follows')
      return { code: status, said: stderr }
    },
    calls: () => (existsSync(note) ? readFileSync(note, 'utf8') : ''),
  }
}

/** As a package manager puts it there. */
function installs(root: string, ...programs: readonly string[]): string {
  return programs
    .map(
      (program) =>
        `case "$*" in *install*) printf '#!/bin/sh\\n${REDIS.replaceAll('"', '\\"')}\\n' > ${root}/bin/${program}; chmod 755 ${root}/bin/${program};; esac`,
    )
    .join('\n')
}

test('with everything there nothing is done but to build once', (t) => {
  const { has, setup, calls } = machine(t)
  has('redis-server', REDIS)
  has('fusermount3', '')
  t.is(setup().code, 0)
  t.is(calls().match(/tsc/g)?.length, 1)
  t.deepEqual(setup(), { code: 0, said: '' })
  t.is(calls().match(/tsc/g)?.length, 1)
  t.notRegex(calls(), /npm|apt/)
})

test('missing programs come from the package manager, after one refresh', (t) => {
  const { root, has, setup, calls } = machine(t)
  has('apt-get', installs(root, 'redis-server', 'fusermount3'))
  const { code, said } = setup()
  t.is(code, 0, said)
  const apt = calls()
    .split('\n')
    .filter((call) => call.startsWith('apt-get'))
  t.deepEqual(apt, ['apt-get update', 'apt-get install -y --no-install-recommends redis-server fuse3'])
})

test('without Redis, and nobody to install it, it says what is missing', (t) => {
  const { has, setup } = machine(t)
  const nothing = setup()
  t.is(nothing.code, 1)
  t.regex(nothing.said, /redis-server is not installed; it is needed for the embedded Redis/)
  has('apt-get', 'exit 100')
  const failing = setup()
  t.is(failing.code, 1)
  t.regex(failing.said, /apt-get update" failed \(100\)[\s\S]*redis-server is not installed/)
})

test('a Redis that is too old is named, and REDIS_URL does without any', (t) => {
  const { has, setup } = machine(t)
  has('redis-server', OLD_REDIS)
  const old = setup()
  t.is(old.code, 1)
  t.regex(old.said, /v=6\.0\.16[\s\S]*needs version 7/)
  t.is(setup({ REDIS_URL: 'redis://db' }).code, 0)
})

test('what only the mount needs is optional', (t) => {
  const { has, setup } = machine(t)
  has('redis-server', REDIS)
  const { code, said } = setup()
  t.is(code, 0)
  t.regex(said, /fusermount3 is not installed[\s\S]*Going on without/)
})

test('packages are installed when they differ from the lock file', (t) => {
  const { root, has, setup, calls } = machine(t)
  has('redis-server', REDIS)
  has('fusermount3', '')
  has('npm', '')
  const installed = (packages: object) =>
    writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages }))
  installed({ 'node_modules/left': { integrity: 'sha512-2' } })
  t.is(setup().code, 0)
  t.is(calls().match(/npm ci/g)?.length, 1)
  installed(LOCK.packages)
  setup()
  t.is(calls().match(/npm ci/g)?.length, 1)
  rmSync(join(root, 'node_modules/.package-lock.json'))
  setup()
  t.is(calls().match(/npm ci/g)?.length, 2)
})

test('a changed source is built again, and what has no source any more goes', (t) => {
  const { root, has, setup, calls } = machine(t)
  has('redis-server', REDIS)
  has('fusermount3', '')
  setup()
  writeFileSync(join(root, 'dist/src/gone.js'), '')
  utimesSync(join(root, 'src/main.ts'), new Date(), new Date(0))
  t.is(setup().code, 0)
  t.is(calls().match(/tsc/g)?.length, 2)
  t.false(existsSync(join(root, 'dist/src/gone.js')))
  t.true(existsSync(join(root, 'dist/src/main.js')))
})
