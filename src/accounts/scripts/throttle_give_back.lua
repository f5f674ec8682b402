--[[
Takes an attempt that was let through out of its buckets again: it succeeded, or nobody knows.
KEYS: 1 the account slot
ARGV: for each bucket: name, milliseconds until it has lost one attempt
Result: 1
]]
--@no-change
--@include keys
--@include now

local now = now_ms()
for i = 1, #ARGV, 2 do
  local key = throttle_key(ARGV[i])
  local empty_at = tonumber(redis.call('GET', key) or 0) - tonumber(ARGV[i + 1])
  if empty_at > now then
    redis.call('SET', key, string.format('%.0f', empty_at), 'PX', string.format('%.0f', empty_at - now))
  else
    redis.call('DEL', key)
  end
end
return 1
