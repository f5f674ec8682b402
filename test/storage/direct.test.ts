import test from 'ava'
import { startServerProcess } from '../support/cli.js'
import { tempFolder } from '../support/folder.js'
import { json } from '../support/http.js'
import { noS3, sharedS3 } from '../support/s3.js'

test('S3_DOWNLOADS=direct: download URLs lead to the bucket, uploads still to us', async (t) => {
  const without = noS3()
  if (without !== undefined) {
    t.log(`Not run: ${without}.`)
    t.pass()
    return
  }
  const s3 = await sharedS3()
  const settings = s3.settings(s3.place())
  const server = await startServerProcess(tempFolder(t), { ...settings, S3_DOWNLOADS: 'direct' })
  t.teardown(() => server.end('SIGTERM'))
  const headers = { authorization: `Bearer ${server.token}` }
  const { items } = await json(await fetch(`${server.url}/api/v1/space/list`, { headers }))
  const storage = `${server.url}/api/v1/space/${items[0].id}/storage`
  const file = { type: 'text/csv', size: 4 }
  const asked = {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ file }),
  }
  const { uploadRequest } = await json(await fetch(`${storage}/upload/a.csv`, asked))
  t.is(new URL(uploadRequest.url).origin, server.url)
  t.is((await fetch(uploadRequest.url, { ...uploadRequest, body: 'a,b\n' })).status, 200)
  const accept = { ...headers, accept: 'application/json' }
  const { url } = await json(await fetch(`${storage}/download/a.csv`, { headers: accept }))
  t.is(new URL(url).origin, new URL(settings.S3_ENDPOINT ?? '').origin)
  const got = await fetch(url)
  t.is(got.headers.get('content-type'), 'text/csv')
  t.is(got.headers.get('content-disposition'), 'attachment; filename="a.csv"')
  t.is(await got.text(), 'a,b\n')
})
