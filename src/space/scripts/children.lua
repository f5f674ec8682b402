--@include space
-- The entries of several folders with known ids, wherever these are. A step of a walk over a large tree.
-- ARGV 3 about how many entries at most, 4 … ids
-- Result: for as many of the folders as fit, at least one: names and entries in turn, packed, or 0 where the folder alone is too large
local most = tonumber(ARGV[3])
local reply, left = {}, most
for i = 4, #ARGV do
  local count = call('HLEN', node(ARGV[i]))
  if count > most then
    reply[#reply + 1] = 0
  elseif count > left and #reply > 0 then
    break
  else
    reply[#reply + 1] = cmsgpack.pack(call('HGETALL', node(ARGV[i])))
    left = left - count
  end
end
return reply
