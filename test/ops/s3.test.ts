import test from 'ava'
import { runCli, startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { noS3, sharedS3 } from '../support/s3.js'

const without = noS3()

test('a server keeps its bytes in a bucket that it makes, across restarts, and gc and fsck reach them', async (t) => {
  if (without !== undefined) {
    t.log(`Not run: ${without}.`)
    t.pass()
    return
  }
  const s3 = await sharedS3()
  const settings = s3.settings(s3.place())
  const dataDir = tempFolder(t)
  const server = await startServerProcess(dataDir, settings)
  t.teardown(() => server.end('SIGKILL'))
  const headers = { authorization: `Bearer ${server.token}` }
  const file = (base: string) => `${base}/v1/code/spaces/files/content/a/b.bin`
  const bytes = Buffer.alloc(10_000_000, 'x')
  const wrote = await fetch(file(server.url), { method: 'POST', headers, body: bytes })
  t.is(wrote.status, 200)
  await fetch(file(server.url), { method: 'POST', headers, body: 'small' })
  t.is(await server.end('SIGTERM'), 0)

  const store = { DATA_DIR: dataDir, ...settings }
  const dry = await runCli(['gc', '--freed-grace', '0', '--dry-run', '--json'], store)
  t.like(JSON.parse(dry.stdout), { uploads_discarded: 0, blobs_deleted: 1 }, dry.stderr)
  const gc = await runCli(['gc', '--freed-grace', '0', '--json'], store)
  t.like(JSON.parse(gc.stdout), { blobs_deleted: 1, failed: 0 }, gc.stderr)
  const fsck = await runCli(['fsck', '--deep', '--json'], store)
  t.like(JSON.parse(fsck.stdout).counts, { files: 1, blobs: 1, problems: 0 }, fsck.stderr)

  const again = await startServerProcess(dataDir, settings)
  t.teardown(() => again.end('SIGKILL'))
  const read = await fetch(file(again.url), { headers })
  t.is(await read.text(), 'small')
  await again.end('SIGTERM')

  const stranger = await runCli(['gc'], { DATA_DIR: tempFolder(t), ...settings })
  t.not(stranger.code, 0)
  t.regex(stranger.stderr, /bytes in the bucket .* that this Redis does not know.*S3_BUCKET/)
  const elsewhere = await runCli(['gc'], { DATA_DIR: dataDir, ...s3.settings(s3.place()) })
  t.not(elsewhere.code, 0)
  t.regex(elsewhere.stderr, /bytes are elsewhere, not in the bucket .*S3_BUCKET/)
})

test('a bucket that cannot be reached is said at the start', async (t) => {
  const settings = {
    S3_BUCKET: 'bytes',
    S3_ENDPOINT: 'http://127.0.0.1:1',
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
  }
  const { code, stderr } = await runCli(['serve'], { DATA_DIR: tempFolder(t), PORT: '0', ...settings })
  t.is(code, 1)
  t.regex(stderr, /bucket bytes at http:\/\/127\.0\.0\.1:1 cannot be used.*check S3_ENDPOINT/)
})
