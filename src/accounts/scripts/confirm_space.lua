--[[
The reserved space's tree is there: from now on it is reachable.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 space id
Result: 1
Errors: EXISTS somebody else confirmed it; NOT_FOUND it was dropped meanwhile
]]
--@include keys
--@include once
--@include space_record

local id = ARGV[4]

local kept = recall()
if kept then
  return kept
end
local space = read_space(id)
if not space or space.state == 'dying' then
  return refuse('NOT_FOUND')
end
if space.state == 'ready' then
  return refuse('EXISTS')
end
space.state = 'ready'
write_space(id, space)
return remember(1)
