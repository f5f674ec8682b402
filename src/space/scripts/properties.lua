--@include space
-- Dead properties of entries.
-- ARGV 3 … node ids
-- Result: access, then for each id its names and values in turn
local reply = { letter }
for i = 3, #ARGV do reply[#reply + 1] = call('HGETALL', P .. 'p:' .. ARGV[i]) end
return reply
