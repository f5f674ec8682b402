--@allow-oom
--[[
The space is out of reach at once and its names are free; its tree is freed afterwards, then forget_space is called.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 name
Result: space id
Errors: NOT_FOUND
]]
--@include keys
--@include once
--@include bury_space

local account, name = ARGV[4], ARGV[5]

local kept = recall()
if kept then
  return kept
end
local id = redis.call('HGET', account_spaces_key(account), name)
local space = id and read_space(id)
if not space or space.state ~= 'ready' then
  return refuse('NOT_FOUND')
end
bury_space(id, space)
return remember(id)
