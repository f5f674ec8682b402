--@allow-oom
--@include keys
-- Claims a pending blob: from here on no write can link it.
-- ARGV 1 blob (hex, the operation id of its write)
-- Result: 1, or 0 where the space is gone
local key = P .. 'o:' .. ARGV[1]
local prior = call('GET', key)
if not prior or string.sub(prior, 1, 1) ~= 'R' then call('SET', key, 'D', 'PX', 604800000) end
return call('EXISTS', KEYS[1])
