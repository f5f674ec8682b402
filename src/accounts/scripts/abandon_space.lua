--@allow-oom
--[[
Gives up a space that was reserved and never confirmed.
KEYS: 1 the account slot
ARGV: 1 space id
Result: 1 it is dying now, or was already; 0 it is ready, or unknown
]]
--@include keys
--@include bury_space

local id = ARGV[1]

local space = read_space(id)
if not space or space.state == 'ready' then
  return 0
end
if space.state == 'making' then
  bury_space(id, space)
end
return 1
