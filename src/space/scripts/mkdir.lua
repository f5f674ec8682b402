--@include space
--@include entry
--@include once
--@include walk
--@include change
--@include locks
-- Makes a folder, with its missing parents; fine where it exists.
-- ARGV 6 base, 7 folded path, 8 path, 9 parents '1'/'0', 10 If-None-Match, 11 entries limit, 12 modified (ms, '' now),
--      13 operation id (8 raw bytes), 14 If-Match
-- Result: description of the folder, 1 created / 0 it was there
local folds, names = split(ARGV[7]), split(ARGV[8])
local place, err = locate(ARGV[6], folds)
if not place then return done(err) end
local raw = found(place) and place.raw
if ARGV[14] ~= '' and not place.root and not listed(ARGV[14], raw) then
  return done(fail('PRECONDITION_FAILED', 'If-Match'))
end
if ARGV[10] ~= '' and (place.root or listed(ARGV[10], raw)) then
  return done(fail('PRECONDITION_FAILED', 'If-None-Match'))
end
if place.raw and not isFolder(place.raw) then return done(fail('TYPE_CLASH', 'file', pathOf(place))) end
if place.root or raw then
  local reply = described(place)
  reply[6] = 0
  return done(reply)
end
if place.index < place.count and ARGV[9] == '0' then return done(fail('NO_PARENT')) end
local bound = lockOn(place, true)
if bound then return done(bound) end
local limit = tooLong(place, names, 0, 0)
if limit then return done(limit) end
if entries + place.count - place.index + 1 > tonumber(ARGV[11]) then return done(fail('TOO_MANY_ENTRIES')) end

grow(place, folds, names)
local id = nextId
nextId = nextId + 1
local modified = ARGV[12] == '' and now or tonumber(ARGV[12])
local name = names[place.count]
raw = renamed(spack('>BI5I6I6I6I6I4I4BI2', FOLDER, id, 0, now, modified, seq + 1, 0, 0, 0, 0), name, place.fold)
place.raw = raw
journal(row(now, CREATE, raw, pathOf(place), nil, ARGV[13]))
link(place.frames[#place.frames], place.at, place.fold, raw)
call('HSET', P .. 'u', id, spack('>I5', place.at) .. place.fold)
carry(place.frames, 1, 0, 1, 1, #name)
save()
local reply = described(place)
reply[6] = 1
return done(reply)
