-- Packed entries, the values of a folder's hash. Big-endian; decoded in TypeScript by entry.ts, change both.
--   all:    flags 1, id 5, size 6, created 6, modified 6            (24 bytes)
--   file:   etag 16, md5 16, [blob 16 if BLOB], type length 1, type, [name if NAME]
--   folder: changed 6, entries 4, children 4, height 1, span 2, [name if NAME]
-- PROPERTIES says that the entry has dead properties, in p:<id>. A name is stored only where it differs from the folded name it is filed under.
-- `height` and `span` are upper bounds for the levels and path bytes below the folder; `changed` is the seq of the
-- last change in or below it.
local FOLDER, BLOB, EXEC, PROPERTIES, NAME, INDEX = 1, 2, 4, 8, 16, 32
local band, bor = bit.band, bit.bor
local spack, sunpack, ssub, sbyte = struct.pack, struct.unpack, string.sub, string.byte

local FOLDER_FORM = '>BI5I6I6I6I6I4I4BI2'
local function flagsOf(raw) return sbyte(raw, 1) end
local function isFolder(raw) return sbyte(raw, 1) % 2 == FOLDER end
local function idOf(raw) return (sunpack('>I5', raw, 2)) end
local function sizeOf(raw) return (sunpack('>I6', raw, 7)) end

-- Everything of a folder as a table; packFolder is the inverse.
local function unpackFolder(raw)
  local flags, id, size, created, modified, changed, count, children, height, span, at =
    sunpack(FOLDER_FORM, raw)
  return { flags = flags, id = id, size = size, created = created, modified = modified, changed = changed,
    entries = count, children = children, height = height, span = span, name = ssub(raw, at) }
end
local function packFolder(f)
  return spack(FOLDER_FORM, f.flags, f.id, f.size, f.created, f.modified, f.changed, f.entries, f.children,
    f.height, f.span) .. f.name
end

local function nameAt(raw)
  if isFolder(raw) then return 42 end
  local at = 57
  if band(flagsOf(raw), BLOB) ~= 0 then at = 73 end
  return at + 1 + sbyte(raw, at)
end
local function nameOf(raw, fold)
  if band(sbyte(raw, 1), NAME) == 0 then return fold end
  return ssub(raw, nameAt(raw))
end
-- The same entry under another name.
local function renamed(raw, name, fold)
  local flags, body = flagsOf(raw), ssub(raw, 2, nameAt(raw) - 1)
  if name == fold then return string.char(band(flags, 255 - NAME)) .. body end
  return string.char(bor(flags, NAME)) .. body .. name
end

-- 16 raw bytes. A folder's is made of what changes with it.
local function etagOf(raw)
  if isFolder(raw) then return ssub(raw, 2, 6) .. ssub(raw, 25, 30) .. ssub(epoch, 1, 5) end
  return ssub(raw, 25, 40)
end
local function blobOf(raw)
  if band(flagsOf(raw), BLOB) ~= 0 then return ssub(raw, 57, 72) end
  return ssub(raw, 25, 40)
end

-- Does `list` ('*' or raw etags in a row) name the entry? `raw` may be false: nothing there.
local function listed(list, raw)
  if not raw then return false end
  if list == '*' then return true end
  local etag = etagOf(raw)
  for at = 1, #list, 16 do
    if ssub(list, at, at + 15) == etag then return true end
  end
  return false
end
-- RFC 9110 §13.1.1, §13.1.2 and §13.1.4 (`ifMatch` is six bytes then: the latest time); false where they hold, else the
-- name of the header that does not.
local function violated(ifMatch, ifNoneMatch, raw)
  if #ifMatch == 6 then
    if raw and sunpack('>I6', raw, 19) > sunpack('>I6', ifMatch) then return 'If-Unmodified-Since' end
  elseif ifMatch ~= '' and not listed(ifMatch, raw) then return 'If-Match' end
  if ifNoneMatch ~= '' and listed(ifNoneMatch, raw) then return 'If-None-Match' end
  return false
end
