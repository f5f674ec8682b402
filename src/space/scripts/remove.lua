--@include space
--@include entry
--@include once
--@include walk
--@include change
--@include locks
-- Deletes a file or a folder. A folder with entries is cut off whole: its tombstones' seqs are reserved as one physical
-- row, and the reaper (reap.lua) writes them out and frees what it held, in small steps.
-- ARGV 6 base, 7 folded path, 8 recursive '1'/'0', 9 If-Match, 10 If-None-Match, 11 operation id (8 raw bytes)
-- Result: access, seq, epoch, number of entries deleted, seq of the range to reap or 0
local place, err = locate(ARGV[6], split(ARGV[7]))
if not place then return done(err) end
if place.root then return done(fail('NOT_ALLOWED', 'root')) end
if not found(place) then return done(fail('NOT_FOUND', 'entry')) end
local raw, path = place.raw, pathOf(place)
local broken = violated(ARGV[9], ARGV[10], raw)
if broken then return done(fail('PRECONDITION_FAILED', broken)) end
local count, range = 1, 0
if isFolder(raw) then
  local f = unpackFolder(raw)
  if f.children > 0 and ARGV[8] == '0' then return done(fail('NOT_EMPTY', f.entries)) end
  count = count + f.entries
end
local bound = lockOn(place, true, true)
if bound then return done(bound) end

unlock(raw)
local parent = place.frames[#place.frames]
unlink(parent, place.at, place.fold)
if count > 1 then
  local first = seq + 1
  seq = seq + count - 1
  range = seq + 1
  local last = range
  journal(spack('>BI6', RANGE + 24, now) .. ARGV[11] .. spack('>I2', #path) .. path .. spack('>I6', first))
  call('ZADD', P .. 'r', range, last)
  local level = { idOf(raw), place.fold, raw }
  call('HSET', P .. 'r:' .. last, 'first', first, 'next', first, 'time', now, 'prefix',
    prefixOf(place.frames), 'stack', cmsgpack.pack({ level }))
else
  if isFolder(raw) then call('HDEL', P .. 'u', idOf(raw)) end
  bury(now, rec[12], raw)
  journal(row(now, DELETE, raw, path, nil, ARGV[11]))
end
carry(place.frames, -count, -sizeOf(raw), -1, 0, 0)
save()
return done({ letter, seq, epoch, count, range })
