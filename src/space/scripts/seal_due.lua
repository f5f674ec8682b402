--@include keys
-- Which rows of the journal are to leave Redis next.
-- ARGV 1 rows that stay, 2 rows of a segment
-- Result: owner, first seq of the next segment; or nothing
local record = call('HMGET', KEYS[1], 'owner', 'state', 'seq')
if record[2] ~= 'live' then return {} end
local newest = call('ZREVRANGE', P .. 'g', 0, 0, 'WITHSCORES')
local sealed = tonumber(newest[2]) or 0
if tonumber(record[3]) - sealed < ARGV[1] + ARGV[2] then return {} end
return { record[1], sealed + 1 }
