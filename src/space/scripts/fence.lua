--@allow-oom
-- Before a repeated attempt: from here on the first one, wherever it still travels, can no longer run.
-- KEYS[1] {<space>}:s; ARGV 1 operation id
-- Result: the answer it got, if it is kept; else nil
local key = string.sub(KEYS[1], 1, -2) .. 'o:' .. ARGV[1]
local prior = redis.call('GET', key)
if prior and string.sub(prior, 1, 1) == 'R' then return cmsgpack.unpack(string.sub(prior, 2))[2] end
if not prior then redis.call('SET', key, 'F', 'PX', 3600000) end
return false
