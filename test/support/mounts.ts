import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { runProgram } from './programs.js'

/** What must be put before a program that needs to be root; undefined where we cannot become it. */
export function asRoot(): readonly string[] | undefined {
  if (process.getuid?.() === 0) return []
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined
}

/** What this machine lacks for mounting. */
export function lacking({ root }: { readonly root: boolean }): string[] {
  const devices = existsSync('/dev/fuse') ? [] : ['/dev/fuse']
  return root && !asRoot() ? [...devices, 'root or sudo'] : devices
}

/** Is something mounted at the folder? Asks the kernel's table, not the mount, which may hang. */
export function isMounted(folder: string): boolean {
  return readFileSync('/proc/self/mounts', 'utf8').includes(` ${folder} `)
}

const mounted = new Set<string>()
process.on('exit', () => {
  for (const folder of mounted) {
    if (isMounted(folder)) spawnSync('umount', ['-l', folder], { stdio: 'ignore' })
  }
})

/** From here on the mount at the folder goes with this process at the latest. */
export function willBeUnmounted(folder: string): void {
  mounted.add(folder)
}

/** From here on the mount at the folder goes with the test, whatever becomes of that. */
export function willBeMounted(t: ExecutionContext, folder: string): void {
  willBeUnmounted(folder)
  t.teardown(async () => {
    await unmount(folder)
    mounted.delete(folder)
  })
}

/** Resolves when nothing is mounted there any more; mounts that do not end well are cut off. */
export async function unmount(folder: string): Promise<void> {
  if (!isMounted(folder)) return
  await runProgram('timeout', ['60', ...(asRoot() ?? []), 'umount', folder])
  if (isMounted(folder)) spawnSync('umount', ['-l', folder], { stdio: 'ignore' })
}

/** Resolves when something is mounted at the folder. Rejects after a while. */
export async function untilMounted(folder: string): Promise<void> {
  for (const end = Date.now() + 30_000; !isMounted(folder); await delay(20)) {
    if (Date.now() > end) throw new Error(`nothing was mounted at ${folder}`)
  }
}
