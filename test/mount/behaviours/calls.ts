/** System calls that Node does not offer: mappings, locks, duplicated handles, several processes at once. */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { attempt, type Behaviour } from './behaviour.js'

/** What `calls.c`, compiled at NOVEM_CALLS, saw in the folder. */
function called(dir: string, verb: string): string[] {
  const { NOVEM_CALLS: program = '' } = process.env
  const { stdout, status, signal } = spawnSync(program, [verb], {
    cwd: dir,
    encoding: 'utf8',
    timeout: 30_000,
  })
  return [...stdout.trim().split(' '), ...(status === 0 ? [] : [`ended with ${signal ?? status}`])]
}

const call = (name: string, verb: string, differs?: Behaviour['differs']): Behaviour => ({
  name,
  run: (dir) => called(dir, verb),
  ...(differs && { differs }),
})

/** The lines of a log, in the order of their writers' own lines. */
function linesOf(file: string): unknown {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return [
    lines.length,
    ...lines.sort((a, b) => Number(a.split(' ')[3]) - Number(b.split(' ')[3]) || (a < b ? -1 : 1)),
  ]
}

export const CALLS: readonly Behaviour[] = [
  call('a shared mapping is written through, also after close', 'map-shared'),
  call('a mapping of a handle that appends', 'map-appending'),
  call('what is written shows in a mapping; a private one shows nowhere', 'map-seen'),
  call('flock and fcntl locks between processes', 'locks'),
  call('posix_fallocate', 'allocate'),
  call('punching a hole', 'punch', {
    seen: ['EOPNOTSUPP'],
    because: 'A space keeps whole files; programs write zeros instead.',
  }),
  call('seeking data, holes, and past the end', 'seek'),
  call('listing while others unlink', 'list-deleting'),
  call('unlinking what is being listed, then the folder', 'list-clearing'),
  call('duplicated handles', 'duplicates'),
  call('several make the same name: one wins', 'races'),
  call('a file that is saved by rename is never missed', 'replacing'),
  call('RENAME_NOREPLACE', 'rename-keeping'),
  call('RENAME_EXCHANGE', 'rename-exchanging', {
    seen: ['EINVAL', '0', '1', '0', '2'],
    because: 'A space moves one entry at a time; programs do without.',
  }),
  call('extended attributes', 'attributes', {
    seen: ['EOPNOTSUPP', 'EOPNOTSUPP', 'EOPNOTSUPP'],
    because: 'A space keeps none; cp and rsync take this for an answer.',
  }),
  call('links, pipes, devices, sockets', 'no-files', {
    seen: ['EPERM', 'EPERM', 'EPERM', 'EPERM', 'EPERM'],
    because: 'A space keeps files and folders.',
  }),
  call('copy_file_range', 'copy-range'),
  call('utimensat with UTIME_OMIT and with now', 'times'),
  call('flags of open, ends of handles', 'open-flags'),
  {
    name: 'processes that append to one file',
    run: (dir) => [called(dir, 'append'), linesOf(join(dir, 'log'))],
  },
  {
    name: 'processes that open, append and close, again and again',
    run: (dir) => [called(dir, 'append-reopening'), linesOf(join(dir, 'log'))],
  },
  {
    name: 'a script is run, in its folder',
    run(dir) {
      const script = join(dir, 'script')
      writeFileSync(script, '#!/bin/sh\necho ran; basename "$PWD"\n', { mode: 0o755 })
      const { stdout, status } = spawnSync(script, { cwd: dir, encoding: 'utf8' })
      writeFileSync(script, '#!/bin/sh\necho other\n')
      const again = spawnSync(script, { encoding: 'utf8' })
      return [stdout.split('\n')[0], status, again.stdout]
    },
  },
  {
    name: 'a program whose folder is removed beneath it',
    run(dir) {
      mkdirSync(join(dir, 'd'))
      const script = 'rmdir ../d && ls | wc -l && { echo x > f; echo $?; } 2>/dev/null'
      const { stdout } = spawnSync('sh', ['-c', script], { cwd: join(dir, 'd'), encoding: 'utf8' })
      return [stdout.trim().split('\n'), readdirSync(dir)]
    },
  },
  {
    name: 'an open file goes, then its folder',
    run(dir) {
      mkdirSync(join(dir, 'd'))
      const fd = openSync(join(dir, 'd/f'), 'w+')
      unlinkSync(join(dir, 'd/f'))
      const removed = attempt(() => rmdirSync(join(dir, 'd')))
      const written = writeSync(fd, 'old')
      const bytes = Buffer.alloc(3)
      readSync(fd, bytes, 0, 3, 0)
      closeSync(fd)
      const later = removed === undefined ? undefined : attempt(() => rmdirSync(join(dir, 'd')))
      return [removed, written, bytes.toString(), later, readdirSync(dir)]
    },
  },
]
