--@allow-oom
--@include space
--@include entry
--@include once
--@include walk
--@include change
--@include locks
-- Ends a lock that covers a path, or makes it last longer. Its holder may; the space's owner may end any.
-- ARGV 6 base, 7 folded path, 8 token, 9 '' to end it, else the new timeout (ms), 10 '1' whoever holds it: for the server itself,
--      where the holder may no longer write
-- Result: access, seq, epoch, { token, packed lock, path } or nothing
local place, err = locate(ARGV[6], split(ARGV[7]))
if not place then return done(err) end
local lock
meet(now, place, false, false, function(token, one)
  if token == ARGV[8] then lock = one end
end)
local mine = lock and (lock.account == ARGV[1] or ARGV[10] == '1' or (ARGV[9] == '' and letter == 'o'))
if not mine then return done(fail('LOCK_UNKNOWN', ARGV[8])) end
if ARGV[9] == '' then
  call('HDEL', P .. 'l', ARGV[8])
  countLocks()
  return done({ letter, seq, epoch })
end
lock.timeout, lock.expires = tonumber(ARGV[9]), now + ARGV[9]
call('HSET', P .. 'l', ARGV[8], packLock(lock))
return done({ letter, seq, epoch, { ARGV[8], packLock(lock), lockPath(lock) } })
