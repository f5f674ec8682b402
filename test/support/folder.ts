import { mkdtempSync, rmSync } from 'node:fs'
import type { ExecutionContext } from 'ava'

/** A folder that goes with the test; its path is short enough for sockets in it. */
export function tempFolder(t: ExecutionContext): string {
  const folder = mkdtempSync('/tmp/novem-test-')
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
