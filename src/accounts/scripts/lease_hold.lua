--[[
Takes a lease that is free or has run out, or makes one's own last longer. Each taking has a higher number than all before it
(fencing): whoever thinks that it still holds an older one finds out here.
KEYS: 1 the account slot
ARGV: 1 name, 2 holder, 3 milliseconds it lasts
Result: the number of the taking; 0 where another one holds it
]]
--@no-change
--@include keys
--@include now

local key, now = lease_key(ARGV[1]), now_ms()
local lease = redis.call('HMGET', key, 'holder', 'ends', 'number')
local number = tonumber(lease[3]) or 0
local runs = lease[1] and tonumber(lease[2]) > now
if runs and lease[1] ~= ARGV[2] then
  return 0
end
if not runs then
  number = number + 1
end
redis.call('HSET', key, 'holder', ARGV[2], 'ends', string.format('%.0f', now + ARGV[3]), 'number', number)
return number
