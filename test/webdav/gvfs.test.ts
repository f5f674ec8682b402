import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must, startDrive, withPrograms } from './drive.js'

/** `$drive`: the drive; `$1`: the token; each command must end well. What is awkward in a name is encoded, as gio wants URIs. */
const DAY = `
set -eu
printf '%s\\n' "$1" | gio mount "$drive"
gio mkdir "$drive/day"
gio copy in.txt "$drive/day/%C3%BCn%C3%AFc%20%E2%98%83%20%231%20%25.txt"
gio cat "$drive/day/%C3%BCn%C3%AFc%20%E2%98%83%20%231%20%25.txt" > out.txt
cmp in.txt out.txt
gio copy in.txt "$drive/day/b.txt"
seq 20 > in.txt
gio copy in.txt "$drive/day/b.txt"
gio cat "$drive/day/b.txt" > out.txt
cmp in.txt out.txt
seq 30 | gio save "$drive/day/saved.txt"
gio rename "$drive/day/b.txt" c.txt
gio mkdir "$drive/day/folder"
gio move "$drive/day/c.txt" "$drive/day/folder/d.txt"
gio copy "$drive/day/folder/d.txt" "$drive/day/e.txt"
gio rename "$drive/day/folder" "renamed"
gio list "$drive/day"
gio info "$drive/day/e.txt"
gio info -f "$drive"
gio remove "$drive/day/e.txt"
gio mount -u "$drive"
`

withPrograms(['dbus-run-session', 'gvfsd-dav', 'gio'])('GNOME’s gvfs: a day of gio', async (t) => {
  const drive = await startDrive(t)
  writeFileSync(join(drive.local, 'in.txt'), 'some\nlines\n')
  mkdirSync(join(drive.local, 'run'), { mode: 0o700 })
  const env = {
    HOME: drive.local,
    XDG_RUNTIME_DIR: join(drive.local, 'run'),
    XDG_CACHE_HOME: join(drive.local, 'cache'),
    XDG_DATA_HOME: join(drive.local, 'data'),
    XDG_CONFIG_HOME: join(drive.local, 'config'),
    // It would mount a folder of its own, which nobody here needs.
    GVFS_DISABLE_FUSE: '1',
    LANG: 'C.UTF-8',
    drive: drive.url.replace('http://', `dav://${drive.user}@`),
  }
  const args = ['60', 'dbus-run-session', '--', 'sh', '-c', DAY, 'sh', drive.token]
  const { said } = await must(t, 'timeout', args, { cwd: drive.local, env })
  t.regex(said, /renamed\n/)
  t.regex(said, /size: +51\n/)
  t.regex(said, /filesystem::free: 53687\d{5}\n/)
  t.is((await (await drive.get('day/saved.txt')).text()).split('\n').length, 31)
  t.is((await (await drive.get('day/renamed/d.txt')).text()).split('\n').length, 21)
  t.is((await drive.get('day/e.txt')).status, 404)
  await drive.agrees(t)
})
