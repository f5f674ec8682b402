--@include keys
-- Mends the space's record: raises the next id, counts the locks, and forgets ranges to reap of which nothing is known.
-- ARGV 1 the next id is at least this; then ranges
local next = tonumber(call('HGET', KEYS[1], 'next') or '1')
if tonumber(ARGV[1]) > next then call('HSET', KEYS[1], 'next', ARGV[1]) end
call('HSET', KEYS[1], 'locks', call('HLEN', P .. 'l'))
for i = 2, #ARGV do
  if call('EXISTS', P .. 'r:' .. ARGV[i]) == 0 then call('ZREM', P .. 'r', ARGV[i]) end
end
return 1
