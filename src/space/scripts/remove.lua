--@allow-oom
--@include space
--@include entry
--@include once
--@include walk
--@include change
--@include locks
--@include cut
-- Deletes a file, or a folder with all that is in it.
-- ARGV 6 base, 7 folded path, 8 recursive '1'/'0', 9 If-Match, 10 If-None-Match, 11 operation id (8 raw bytes)
-- Result: access, seq, epoch, number of entries deleted, seq of the range to reap or 0
local place, err = locate(ARGV[6], split(ARGV[7]))
if not place then return done(err) end
if place.root then return done(fail('NOT_ALLOWED', 'root')) end
if not found(place) then return done(fail('NOT_FOUND', 'entry')) end
local raw = place.raw
if isFolder(raw) and ARGV[8] == '0' and entriesOf(raw) > 1 then return done(fail('NOT_EMPTY', entriesOf(raw) - 1)) end
local bound = lockOn(place, true, true)
if bound then return done(bound) end
-- Behind whatever else would refuse it (RFC 9110 §13.2.1): who asks with an etag that nothing has learns whether it may go.
local broken = violated(ARGV[9], ARGV[10], raw)
if broken then return done(fail('PRECONDITION_FAILED', broken)) end

unlink(place.frames[#place.frames], place.at, place.fold)
local count, range = cut(place, ARGV[11])
carry(place.frames, -count, -sizeOf(raw), -1, 0, 0)
save()
return done({ letter, seq, epoch, count, range })
