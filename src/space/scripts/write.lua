--@include space
--@include entry
--@include once
--@include walk
--@include change
--@include locks
--@include properties
-- Links a stored blob into the tree as the file at a path, creating or replacing; or, dry, only says whether it may.
-- ARGV 6 base, 7 folded path, 8 path, 9 parents '1'/'0', 10 If-Match, 11 If-None-Match, 12 file limit, 13 space limit,
--      14 entries limit, 15 size ('' unknown), 16 dry '1'/'0', 17 etag (raw), 18 md5 (raw), 19 content type,
--      20 modified (ms, '' now), 21 executable ('' as it was), 22 '' or an id that is good for one write, 23 how long to
--      remember that it was used (ms), 24 … dead properties to set and remove (_properties.lua)
-- Result: description of the file, 1 created / 0 replaced
local folds = split(ARGV[7])
local names = ARGV[8] == ARGV[7] and folds or split(ARGV[8])
local size = tonumber(ARGV[15] ~= '' and ARGV[15] or '0')
local place, err = locate(ARGV[6], folds)
if not place then return done(err) end
if ARGV[22] ~= '' and call('EXISTS', P .. 'o:' .. ARGV[22]) == 1 then return done(fail('USED')) end
local raw = found(place) and place.raw
local broken = violated(ARGV[10], ARGV[11], raw)
if broken then return done(fail('PRECONDITION_FAILED', broken)) end
if place.root or (raw and isFolder(raw)) then return done(fail('TYPE_CLASH', 'folder')) end
if place.raw and not raw then return done(fail('TYPE_CLASH', 'file', pathOf(place))) end
if not raw and place.index < place.count and ARGV[9] == '0' then return done(fail('NO_PARENT')) end
if not raw then
  local limit = tooLong(place, names, 0, 0)
  if limit then return done(limit) end
end
local bound = lockOn(place, not raw)
if bound then return done(bound) end
local made = raw and 0 or place.count - place.index + 1
local grown = size - (raw and sizeOf(raw) or 0)
if size > tonumber(ARGV[12]) then return done(fail('FILE_TOO_LARGE')) end
if made > 0 and entries + made > tonumber(ARGV[14]) then return done(fail('TOO_MANY_ENTRIES')) end
if grown > 0 and bytes + grown > tonumber(ARGV[13]) then return done(fail('SPACE_FULL', bytes)) end
local have, total
if #ARGV > 23 then
  have, total = propertiesAfter(raw and idOf(raw), raw and flagsOf(raw) or 0, 24)
  if total > PROPERTIES_BYTES then return done(fail('TOO_MANY_PROPERTIES', total)) end
end
if ARGV[16] == '1' then return { letter } end
-- The operation id of a keyed write is not its blob's, and the collector may have doomed that.
if ARGV[5] ~= '' and call('EXISTS', P .. 'o:' .. string.gsub(ARGV[17], '.', function(c)
  return string.format('%02x', string.byte(c))
end)) == 1 then return fail('BUSY') end

local id, created, exec = nil, now, ARGV[21] == '1'
if raw then
  id, created = idOf(raw), (sunpack('>I6', raw, 13))
  if ARGV[21] == '' then exec = band(flagsOf(raw), EXEC) ~= 0 end
  release(now, rec[12], blobOf(raw))
else
  grow(place, folds, names)
  id = nextId
  nextId = nextId + 1
end
local modified = ARGV[20] == '' and now or tonumber(ARGV[20])
local name = raw and nameOf(raw, place.fold) or names[place.count]
local flags = (exec and EXEC or 0) + (raw and band(flagsOf(raw), PROPERTIES) or 0)
if have then flags = setProperties(id, flags, 24, have) end
if ARGV[22] ~= '' then call('SET', P .. 'o:' .. ARGV[22], 'U', 'PX', ARGV[23]) end
local file = spack('>BI5I6I6I6c16c16B', flags, id, size, created, modified, ARGV[17], ARGV[18], #ARGV[19])
  .. ARGV[19]
file = renamed(file, name, place.fold)
place.raw = file
link(place.frames[#place.frames], place.at, place.fold, file)
local path = pathOf(place)
journal(row(now, raw and UPDATE or CREATE, file, path))
carry(place.frames, raw and 0 or 1, grown, raw and 0 or 1, 1, #name)
save()
local reply = described(place, path)
reply[6] = raw and 0 or 1
return done(reply)
