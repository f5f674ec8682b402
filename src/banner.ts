import type { RunningServer } from './server.js'

/** What `serve` prints when it is ready: where it is, how to get in, what to try. */
export function banner({ url, firstAccount }: RunningServer): string {
  const lines = [
    '',
    `novem-spaces is ready on ${url}`,
    '',
    `  HTTP API   ${url}/v1/`,
    `  WebDAV     ${url}/dav/`,
    '',
  ]
  if (!firstAccount) {
    lines.push(
      'For a token: npm run spaces -- token add <account>   (accounts: npm run spaces -- user list)',
      '',
    )
    return lines.join('\n')
  }
  const { name, space, token } = firstAccount
  const content = `${url}/v1/code/spaces/${space}/content`
  lines.push(
    `An account "${name}" with a space "${space}" has been made. Its token, shown only now:`,
    '',
    `  ${token}`,
    '',
    'Try:',
    '',
    `  export TOKEN=${token}`,
    `  curl -H "Authorization: Bearer $TOKEN" --data-binary @README.md ${content}/README.md`,
    `  curl -H "Authorization: Bearer $TOKEN" ${content}`,
    '',
    'Mount it as a local drive, on Linux and macOS:',
    '',
    `  mkdir -p ~/${space} && NOVEM_TOKEN=$TOKEN npm run spaces -- mount ${space} ~/${space} --server ${url}`,
    '',
    'Or over WebDAV (the user is the account, the password the token):',
    '',
    `  Linux    sudo mount -t davfs ${url}/dav/${space} /mnt`,
    `  rclone   rclone mount --vfs-cache-mode full --webdav-url ${url}/dav/${space} --webdav-user ${name} --webdav-pass $(rclone obscure $TOKEN) :webdav: /mnt`,
    `  macOS    mount_webdav -i ${url}/dav/${space} /Volumes/${space}`,
    `  Windows  net use N: ${url}/dav/${space} /user:${name} ${token}`,
    '',
    `Another token later: npm run spaces -- token add ${name}`,
    '',
  )
  return lines.join('\n')
}
