--@include space
-- Writes or clears one of the space's small text files. Owner only.
-- ARGV 3 key, 4 text, 5 '1' clear
if letter ~= 'o' then return fail('NOT_ALLOWED', 'owner') end
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[5] == '1' then
  call('HDEL', P .. 'm', ARGV[3])
else
  call('HSET', P .. 'm', ARGV[3], struct.pack('>I6', now) .. ARGV[4])
end
return { letter }
