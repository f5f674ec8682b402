--@include keys
-- Sets how often blobs are used beyond the first time, if the space has not changed since that was found out, and has no trees
-- out of sight, which use blobs too.
-- ARGV 1 seq at which it was found out; 2 … blobs (16 raw bytes) and uses beyond the first in turn, up to 1,000
-- Result: 1 / 0 the space has changed
if call('HGET', KEYS[1], 'seq') ~= ARGV[1] then return 0 end
if call('ZCARD', P .. 'r') + call('ZCARD', P .. 'k') > 0 then return 0 end
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '0' then
    call('HDEL', P .. 'refs', ARGV[i])
  else
    call('HSET', P .. 'refs', ARGV[i], ARGV[i + 1])
    call('HSET', KEYS[1], 'copies', '1')
  end
end
return 1
