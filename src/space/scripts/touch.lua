--@include space
--@include entry
--@include once
--@include walk
--@include change
--@include locks
--@include properties
-- Sets times, the exec bit and dead properties; the bytes and so the etag stay.
-- ARGV 6 base, 7 folded path, 8 If-Match, 9 If-None-Match, 10 modified (ms, '' as it is), 11 executable ('' as it is),
--      12 operation id (8 raw bytes), 13 … dead properties: name, '1' set / '0' remove, value
-- Result: description of the entry
local place, err = locate(ARGV[6], split(ARGV[7]))
if not place then return done(err) end
if place.root then return done(fail('NOT_ALLOWED', 'root')) end
if not found(place) then return done(fail('NOT_FOUND', 'entry')) end
local raw = place.raw
local broken = violated(ARGV[8], ARGV[9], raw)
if broken then return done(fail('PRECONDITION_FAILED', broken)) end
local bound = lockOn(place, false)
if bound then return done(bound) end
local flags = flagsOf(raw)
if ARGV[11] ~= '' then
  if isFolder(raw) then return done(fail('TYPE_CLASH', 'folder')) end
  flags = ARGV[11] == '1' and bor(flags, EXEC) or band(flags, 255 - EXEC)
end
if #ARGV > 12 then
  local have, total = propertiesAfter(idOf(raw), flags, 13)
  if total > PROPERTIES_BYTES then return done(fail('TOO_MANY_PROPERTIES', total)) end
  flags = setProperties(idOf(raw), flags, 13, have)
end
local modified = ARGV[10] == '' and ssub(raw, 19, 24) or spack('>I6', tonumber(ARGV[10]))
raw = string.char(flags) .. ssub(raw, 2, 18) .. modified .. ssub(raw, 25)
if isFolder(raw) then raw = ssub(raw, 1, 24) .. spack('>I6', seq + 1) .. ssub(raw, 31) end
place.raw = raw
call('HSET', node(place.at), place.fold, raw)
journal(row(now, UPDATE, raw, pathOf(place), nil, ARGV[12]))
carry(place.frames, 0, 0, 0, 0, 0)
save()
return done(described(place))
