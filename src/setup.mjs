/**
 * Readies a fresh checkout, then runs what was asked for. Plain JavaScript without dependencies: it runs before anything
 * is installed. When nothing is missing it costs some milliseconds. Everything it says goes to stderr.
 *
 *   node src/setup.mjs                 packages, system packages, build
 *   node src/setup.mjs test            the same, and the WebDAV clients and the S3 server that ours is tested with
 *   node src/setup.mjs run serve …     the same, then the command line of dist/src/main.js in this process
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const OLDEST_NODE = [20, 19]
const OLDEST_REDIS = 7

/** What we need of the system: the program that shows it is there, and the package that brings it, by manager. */
const SYSTEM = [
  {
    program: 'redis-server',
    // An operator's own Redis serves as well.
    required: !process.env.REDIS_URL,
    purpose: 'the embedded Redis (or set REDIS_URL)',
    packages: { 'apt-get': 'redis-server' },
    fallback: 'redis',
  },
  {
    program: 'fusermount3',
    required: false,
    purpose: 'mounting a space as a drive',
    packages: { brew: null },
    fallback: 'fuse3',
  },
]

/** What the tests drive our server with; where one is not to be had, its tests are left out. */
const CLIENTS = [
  { program: 'litmus', packages: { 'apt-get': 'litmus' } },
  { program: 'cadaver', packages: {}, fallback: 'cadaver' },
  { program: 'mount.davfs', packages: { brew: null }, fallback: 'davfs2' },
  { program: 'rclone', packages: {}, fallback: 'rclone' },
  // GNOME's, without a desktop: a bus, the daemon that speaks WebDAV, and the command that asks it.
  {
    program: 'dbus-run-session',
    packages: { 'apt-get': 'dbus-daemon', dnf: 'dbus-daemon' },
    fallback: 'dbus',
  },
  { program: 'gvfsd-dav', packages: { 'apt-get': 'gvfs-backends', brew: null }, fallback: 'gvfs' },
  { program: 'gio', packages: { 'apt-get': 'libglib2.0-bin', brew: 'glib' }, fallback: 'glib2' },
].map((client) => ({ ...client, required: false, purpose: 'testing WebDAV' }))

/** What the tests run on a mount, as on a disk. */
const PROGRAMS = [
  { program: 'rsync', packages: {}, fallback: 'rsync' },
  { program: 'git', packages: {}, fallback: 'git' },
  { program: 'openssl', packages: {}, fallback: 'openssl' },
  {
    program: 'sqlite3',
    packages: { dnf: 'sqlite', pacman: 'sqlite', apk: 'sqlite', brew: 'sqlite' },
    fallback: 'sqlite3',
  },
  { program: 'make', packages: {}, fallback: 'make' },
  { program: 'cc', packages: {}, fallback: 'gcc' },
  { program: 'vim', packages: {}, fallback: 'vim' },
  { program: 'fio', packages: {}, fallback: 'fio' },
  { program: 'dbench', packages: {}, fallback: 'dbench' },
  { program: 'setfattr', packages: { brew: null }, fallback: 'attr' },
].map((program) => ({ ...program, required: false, purpose: 'testing the mount' }))

/** What the benches run beside the mount. An SSH server would also serve others where there is an init to start it. */
const PEERS = [
  { program: 'bindfs', packages: { brew: null }, fallback: 'bindfs' },
  { program: 'sshfs', packages: { brew: null }, fallback: 'sshfs' },
  ...(existsSync('/run/systemd/system')
    ? []
    : [{ program: 'sshd', packages: { pacman: 'openssh', apk: 'openssh' }, fallback: 'openssh-server' }]),
  ...CLIENTS.filter(({ program }) => ['mount.davfs', 'rclone'].includes(program)),
].map((peer) => ({ ...peer, required: false, purpose: 'measuring beside it' }))

/** The S3 server our blob store is tested with, where the script that starts one is at hand: 62 MB. */
const S3_SERVER = ['ceph-mon', 'ceph-osd', 'radosgw'].map((program) => ({
  program,
  packages: { 'apt-get': program },
  required: false,
  purpose: 'testing S3',
}))

/** Package managers in the order they are looked for: how to install, and what must be run once before. */
const MANAGERS = [
  { program: 'apt-get', install: ['install', '-y', '--no-install-recommends'], refresh: ['update'] },
  { program: 'dnf', install: ['install', '-y'] },
  { program: 'yum', install: ['install', '-y'] },
  { program: 'zypper', install: ['--non-interactive', 'install'] },
  { program: 'pacman', install: ['-S', '--noconfirm', '--needed'], refresh: ['-Sy'] },
  { program: 'apk', install: ['add'], refresh: ['update'] },
  { program: 'brew', install: ['install'], unprivileged: true },
]

class SetupError extends Error {}

function say(text) {
  process.stderr.write(`${text}\n`)
}

function find(program) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/libexec']
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
}

/** Runs a program with its output on stderr. Raises where it fails. */
function run(program, args, env = {}) {
  const shown = [program, ...args].join(' ')
  const result = spawnSync(program, args, {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...env },
  })
  if (result.error) throw new SetupError(`"${shown}" could not be started: ${result.error.message}`)
  if (result.status !== 0) throw new SetupError(`"${shown}" failed (${result.signal ?? result.status}).`)
}

/** `shared/s3/rgw-up` beside the checkout or above, or NOVEM_RGW_UP; test/support/s3.ts looks there too. */
function canStartS3() {
  if (process.env.NOVEM_RGW_UP) return true
  for (let folder = ROOT; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'shared', 's3', 'rgw-up'))) return true
  }
  return false
}

/** What the tests need of the system besides. */
function testPrograms() {
  return [...CLIENTS, ...PROGRAMS, ...(canStartS3() ? S3_SERVER : [])]
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return
  throw new SetupError(
    `Node ${process.versions.node} is too old; novem-spaces needs ${OLDEST_NODE.join('.')}.`,
  )
}

function installSystemPackages(wanted) {
  const missing = wanted.filter(({ program }) => !find(program))
  if (missing.length > 0) installMissing(missing)
  if (!SYSTEM[0].required) return
  const version = spawnSync('redis-server', ['--version'], { encoding: 'utf8' }).stdout ?? ''
  const major = Number(/v=(\d+)/.exec(version)?.[1])
  if (major >= OLDEST_REDIS) return
  throw new SetupError(
    `redis-server is "${version.trim()}", and novem-spaces needs version ${OLDEST_REDIS} or newer: ` +
      'install a newer one, or set REDIS_URL to one elsewhere.',
  )
}

function installMissing(missing) {
  const manager = MANAGERS.find(({ program }) => find(program))
  const packages = missing
    .map(({ packages, fallback }) => packages[manager?.program] ?? fallback)
    .filter((name, i) => missing[i].packages[manager?.program] !== null && name)
  if (manager && packages.length > 0) {
    const prefix = privileged(manager)
    const commands = [manager.refresh, [...manager.install, ...packages]].filter(Boolean)
    if (prefix) {
      say(`Installing ${packages.join(' and ')} with ${manager.program} …`)
      try {
        for (const args of commands) {
          const [program, ...rest] = [
            ...prefix,
            'env',
            'DEBIAN_FRONTEND=noninteractive',
            manager.program,
            ...args,
          ]
          run(program, rest)
        }
      } catch (error) {
        say(error.message)
      }
    } else {
      say(`Missing: ${packages.join(', ')}. To install, run:`)
      say(`  sudo sh -c '${commands.map((args) => [manager.program, ...args].join(' ')).join(' && ')}'`)
    }
  }
  for (const { program, purpose, required } of missing) {
    if (find(program)) continue
    const text = `${program} is not installed; it is needed for ${purpose}.`
    if (required) throw new SetupError(text)
    say(`${text} Going on without.`)
  }
}

/** The words to put before a command that needs the right to install; undefined where we have no such right. */
function privileged({ unprivileged }) {
  if (unprivileged || process.getuid?.() === 0) return []
  const sudo = find('sudo')
  return sudo && spawnSync(sudo, ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? [sudo, '-n'] : undefined
}

/** Compares what npm noted about the tree it installed with what the lock file asks for. */
function dependenciesMatch() {
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages
  let installed
  try {
    installed = JSON.parse(readFileSync(join(ROOT, 'node_modules', '.package-lock.json'), 'utf8')).packages
  } catch {
    return false
  }
  return Object.entries(wanted).every(([path, { integrity, optional }]) => {
    if (path === '') return true
    return installed[path] ? installed[path].integrity === integrity : optional === true
  })
}

function installDependencies() {
  if (dependenciesMatch()) return
  say('Installing packages with npm …')
  // Scripts only compile fuse-native, which is there ready made for x64; where compiling fails, npm would drop it.
  run('npm', ['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'])
  if (process.arch !== 'x64') buildFuse()
}

/** Mounting needs it, the server does not. */
function buildFuse() {
  try {
    run('npm', ['rebuild', 'fuse-native', '--loglevel=error', '--ignore-scripts=false'])
  } catch {
    say(
      'fuse-native could not be compiled (that takes Python, make, a C compiler and libfuse 2). Going on without mounts.',
    )
  }
}

function filesBelow(folder, keep) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && keep(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort()
}

function build() {
  const sources = ['src', 'mount', 'test'].flatMap((folder) =>
    filesBelow(join(ROOT, folder), (name) => name.endsWith('.ts')),
  )
  const inputs = [...sources, 'tsconfig.json', 'package-lock.json'].map((file) => {
    const { mtimeMs, size } = statSync(join(ROOT, file))
    return `${file} ${mtimeMs} ${size}`
  })
  const dist = join(ROOT, 'dist')
  const stamp = join(dist, '.built')
  const state = createHash('sha256').update(inputs.join('\n')).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return
  say('Building …')
  const compiled = new Set(sources.map((file) => join('dist', file.replace(/\.ts$/, '.js'))))
  for (const file of filesBelow(dist, (name) => /\.js(\.map)?$/.test(name))) {
    if (!compiled.has(file.replace(/\.map$/, ''))) rmSync(join(ROOT, file))
  }
  rmSync(stamp, { force: true })
  run(process.execPath, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', ROOT])
  mkdirSync(dist, { recursive: true })
  writeFileSync(stamp, state)
}

const [verb, ...args] = process.argv.slice(2)
try {
  checkNode()
  const wanted = { test: testPrograms, bench: () => PEERS }[verb]?.() ?? []
  installSystemPackages([...SYSTEM, ...wanted])
  installDependencies()
  build()
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  say(error.message)
  process.exit(1)
}
if (verb === 'run') {
  const main = join(ROOT, 'dist', 'src', 'main.js')
  process.argv = [process.execPath, main, ...args]
  await import(pathToFileURL(main).href)
}
