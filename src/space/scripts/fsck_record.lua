--@include keys
-- The space's record and what must agree with it, for fsck. Changes nothing.
-- Result: nothing where there is no record; else its fields and values in turn, id of the last journal row ('' none), ranges
--   to reap whose state is missing
local last = call('XREVRANGE', P .. 'j', '+', '-', 'COUNT', 1)[1]
local stuck = {}
for _, range in ipairs(call('ZRANGE', P .. 'r', 0, -1)) do
  if call('EXISTS', P .. 'r:' .. range) == 0 then stuck[#stuck + 1] = range end
end
return { call('HGETALL', KEYS[1]), last and last[1] or '', stuck }
