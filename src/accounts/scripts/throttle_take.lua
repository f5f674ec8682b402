--[[
Lets an attempt through where every bucket has room, and then counts it in all of them. A bucket is a time (GCRA): when it
would be empty again. Redis' own clock, so that all processes agree.
KEYS: 1 the account slot
ARGV: for each bucket: name, attempts it holds, milliseconds until it has lost one
Result: 0 let through; else seconds until the fullest bucket has room
]]
--@no-change
--@include keys
--@include now

local now, longest, buckets = now_ms(), 0, {}
for i = 1, #ARGV, 3 do
  local key, size, interval = throttle_key(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local empty_at = math.max(now, tonumber(redis.call('GET', key) or 0)) + interval
  longest = math.max(longest, empty_at - size * interval - now)
  buckets[key] = empty_at
end
if longest > 0 then
  return math.ceil(longest / 1000)
end
for key, empty_at in pairs(buckets) do
  redis.call('SET', key, string.format('%.0f', empty_at), 'PX', string.format('%.0f', empty_at - now))
end
return 0
