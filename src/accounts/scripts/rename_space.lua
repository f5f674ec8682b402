--[[
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 name now, 6 new name
Result: space id
Errors: NOT_FOUND; EXISTS the new name is taken
]]
--@include keys
--@include once
--@include space_record

local account, old, new = ARGV[4], ARGV[5], ARGV[6]

local kept = recall()
if kept then
  return kept
end
local spaces = account_spaces_key(account)
local id = redis.call('HGET', spaces, old)
local space = id and read_space(id)
if not space or space.state ~= 'ready' then
  return refuse('NOT_FOUND')
end
if old ~= new then
  if redis.call('HEXISTS', spaces, new) == 1 then
    return refuse('EXISTS')
  end
  redis.call('HDEL', spaces, old)
  redis.call('HSET', spaces, new, id)
  space.name = new
  write_space(id, space)
end
return remember(id)
