import { constants } from 'node:fs'
import { access, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { platform, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** What the system lacks for mounting is said here, since libfuse would say it less well. Raises an Error that says what to do. */
export async function checkRequirements(options: { readonly allowOther: boolean }): Promise<void> {
  if (platform() === 'darwin') return checkMac()
  await checkDevice()
  if (process.getuid?.() === 0) return
  await checkHelper()
  if (options.allowOther) await checkAllowOther()
}

async function checkMac(): Promise<void> {
  if (await canUse('/Library/Filesystems/macfuse.fs')) return
  throw new Error('macFUSE is not installed, and mounting needs it: get it from https://macfuse.github.io.')
}

async function checkDevice(): Promise<void> {
  if (await canUse('/dev/fuse', constants.R_OK | constants.W_OK)) return
  if (await canUse('/dev/fuse')) throw new Error('/dev/fuse may not be used by this user.')
  throw new Error(
    '/dev/fuse is missing, and mounting needs it: load it with "modprobe fuse"; a container is given it by ' +
      '"--device /dev/fuse --cap-add SYS_ADMIN".',
  )
}

/** Who is not root mounts by `fusermount`, a program with more rights. */
async function checkHelper(): Promise<void> {
  if (await find('fusermount')) return
  if (await find('fusermount3')) return
  throw new Error(
    'fusermount3 is not installed, and mounting by who is not root needs it: install the package fuse3.',
  )
}

async function checkAllowOther(): Promise<void> {
  const text = await readFile('/etc/fuse.conf', 'utf8').catch(() => '')
  if (/^\s*user_allow_other\s*$/m.test(text)) return
  throw new Error('--allow-other needs a line "user_allow_other" in /etc/fuse.conf, unless root mounts.')
}

/**
 * libfuse 2.9 runs `fusermount`, and newer systems have only `fusermount3`, which understands the same. Runs `mount` so
 * that it finds that one.
 */
export async function withFusermount<T>(mount: () => Promise<T>): Promise<T> {
  const newer = platform() === 'linux' && !(await find('fusermount')) ? await find('fusermount3') : undefined
  if (!newer) return mount()
  const folder = await mkdtemp(join(tmpdir(), 'novem-fusermount-'))
  const before = process.env.PATH ?? ''
  try {
    await symlink(newer, join(folder, 'fusermount'))
    process.env.PATH = `${folder}${delimiter}${before}`
    return await mount()
  } finally {
    process.env.PATH = before
    await rm(folder, { recursive: true, force: true })
  }
}

async function find(program: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, program)
    if (await canUse(path, constants.X_OK)) return path
  }
  return undefined
}

function canUse(path: string, mode: number = constants.F_OK): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  )
}
