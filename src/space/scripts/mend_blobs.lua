--@include keys
-- Lets blobs go that no entry uses, if the space has not changed since that was found out.
-- ARGV 1 seq at which it was found out, 2 … blobs (16 raw bytes each, up to 1,000)
-- Result: 1 / 0 the space has changed
if call('HGET', KEYS[1], 'seq') ~= ARGV[1] then return 0 end
local time = call('TIME')
local now = struct.pack('>I6', time[1] * 1000 + math.floor(time[2] / 1000))
for i = 2, #ARGV do call('RPUSH', P .. 'f', now .. ARGV[i]) end
return 1
