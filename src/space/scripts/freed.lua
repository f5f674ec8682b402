--@allow-oom
--@include keys
-- Claims blobs for deletion: what was let go before `olderThan` moves to the doomed, until they are `most`.
-- ARGV 1 olderThan (ms), 2 most
-- Result: all doomed blobs (16 raw bytes each), also those of an earlier claim that nobody finished
local room = ARGV[2] - call('HLEN', P .. 'x')
local queue = room > 0 and call('LRANGE', P .. 'f', 0, room - 1) or {}
local claimed = 0
for _, item in ipairs(queue) do
  local time = struct.unpack('>I6', item)
  if time > tonumber(ARGV[1]) then break end
  call('HSET', P .. 'x', string.sub(item, 7), time)
  claimed = claimed + 1
end
if claimed > 0 then call('LTRIM', P .. 'f', claimed, -1) end
return call('HKEYS', P .. 'x')
