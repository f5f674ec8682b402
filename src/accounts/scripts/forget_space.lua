--@allow-oom
--[[
Nothing is left of a dropped space: its record goes. Says nothing about spaces that are not dying.
KEYS: 1 the account slot
ARGV: 1 space id
Result: 1 forgotten, 0 it was not dying
]]
--@include keys
--@include space_record

local id = ARGV[1]

local space = read_space(id)
if not space or space.state ~= 'dying' then
  return 0
end
return redis.call('HDEL', SPACES, id)
