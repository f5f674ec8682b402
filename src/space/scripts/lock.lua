--@include space
--@include entry
--@include once
--@include walk
--@include change
--@include locks
-- Locks an entry.
-- ARGV 6 base, 7 folded path, 8 token, 9 '1' shared, 10 '1' depth infinity, 11 timeout (ms), 12 owner XML
-- Result: access, seq, epoch, { token, packed lock, path }
local MOST = 1000
local place, err = locate(ARGV[6], split(ARGV[7]))
if not place then return done(err) end
if not place.root and not found(place) then return done(fail('NOT_FOUND', 'entry')) end
local shared, infinite = ARGV[9] == '1', ARGV[10] == '1'
local clash
meet(now, place, false, infinite, function(token, lock)
  if not (shared and lock.shared) then clash = token end
end)
if clash then
  local lock = heldLocks[clash]
  return done(fail('LOCKED', clash, lockPath(lock) or '', lock.account))
end
-- What has expired goes now; nothing else counts it.
if (rec[11] or '0') ~= '0' then
  local flat = call('HGETALL', P .. 'l')
  for i = 1, #flat, 2 do
    if not heldLocks[flat[i]] then call('HDEL', P .. 'l', flat[i]) end
  end
end
if call('HLEN', P .. 'l') >= MOST then return done(fail('TOO_MANY_LOCKS', MOST)) end
local lock = { parent = place.at or 0, id = place.root and 0 or idOf(place.raw), expires = now + ARGV[11],
  timeout = tonumber(ARGV[11]), shared = shared, infinite = infinite, account = ARGV[1], fold = place.fold or '',
  owner = ARGV[12] }
call('HSET', P .. 'l', ARGV[8], packLock(lock))
countLocks()
return done({ letter, seq, epoch, { ARGV[8], packLock(lock), pathOf(place) } })
