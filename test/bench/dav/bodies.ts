/** What a client asks for that shows names, sizes and dates. */
export const FOUR_PROPERTIES = `<propfind xmlns="DAV:"><prop>${[
  'getlastmodified',
  'getcontentlength',
  'resourcetype',
  'getetag',
]
  .map((name) => `<${name}/>`)
  .join('')}</prop></propfind>`

export const ALL_PROPERTIES = '<propfind xmlns="DAV:"><allprop/></propfind>'
