--@include keys
-- Removes dead properties of entries that are nowhere, unless there are trees out of sight, which may have them.
-- ARGV ids
-- Result: 1 / 0 there are such trees
if call('ZCARD', P .. 'r') + call('ZCARD', P .. 'k') > 0 then return 0 end
for _, id in ipairs(ARGV) do call('UNLINK', P .. 'p:' .. id) end
return 1
