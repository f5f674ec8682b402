-- Lets a lease go, if it is one's own. ARGV: 1 name, 2 holder
--@no-change
--@include keys

local key = lease_key(ARGV[1])
if redis.call('HGET', key, 'holder') == ARGV[2] then
  redis.call('HSET', key, 'ends', 0)
end
return 0
