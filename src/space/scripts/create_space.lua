-- Makes the record of a space; harmless where it exists.
-- KEYS[1] {<space>}:s; ARGV 1 owner's account id, 2 epoch (16 hex)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'state', 'live', 'seq', '0', 'next', '1', 'bytes', '0', 'entries', '0',
    'epoch', ARGV[2], 'created', now, 'modified', now)
end
return 1
