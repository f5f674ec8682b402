--@include keys
-- The space's record and what must agree with it, for fsck. Changes nothing.
-- Result: its fields and values in turn, id of the last journal row ('' none), ranges to reap whose state is missing, 1 there
--   are trees out of sight (cut off and not reaped, or being copied) / 0, number of locks
local last = call('XREVRANGE', P .. 'j', '+', '-', 'COUNT', 1)[1]
local stuck = {}
for _, range in ipairs(call('ZRANGE', P .. 'r', 0, -1)) do
  if call('EXISTS', P .. 'r:' .. range) == 0 then stuck[#stuck + 1] = range end
end
return { call('HGETALL', KEYS[1]), last and last[1] or '', stuck,
  call('ZCARD', P .. 'r') + call('ZCARD', P .. 'k') > 0 and 1 or 0, call('HLEN', P .. 'l') }
