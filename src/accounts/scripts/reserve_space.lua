--[[
Takes a name for a new space under the plan's limit. The space is reachable once confirm_space has run; a space that
somebody began and did not finish is handed out again under its own id, so that making it can be finished.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 name, 6 new space id, 7 created (ms), 8 spaces by plan "free 1 basic 5 …",
      9… candidates for the shortname
Result: { space id, shortname, created (ms), 1 where this very operation already made the space, else 0 }
Errors: NOT_FOUND no such account; EXISTS; TOO_MANY_SPACES <plan> <limit>; BUSY no id or shortname is free
]]
--@include keys
--@include once
--@include space_record

local account, name, id, created, limits = ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]

local kept = recall()
if kept and not kept.err then
  local space = read_space(kept[1])
  kept[4] = (space and space.state == 'making') and 0 or 1
end
if kept then
  return kept
end

local plan = redis.call('HGET', account_key(account), 'plan')
if not plan then
  return refuse('NOT_FOUND')
end
local spaces = account_spaces_key(account)
local present = redis.call('HGET', spaces, name)
if present then
  local space = read_space(present)
  if space.state ~= 'making' then
    return refuse('EXISTS')
  end
  return remember({ present, space.shortname, space.created, 0 })
end
local limit = tonumber(string.match(' ' .. limits .. ' ', ' ' .. plan .. ' (%d+) '))
if redis.call('HLEN', spaces) >= limit then
  return refuse('TOO_MANY_SPACES', plan, limit)
end

local shortname
for i = 9, #ARGV do
  if redis.call('HEXISTS', SHORTNAMES, ARGV[i]) == 0 then
    shortname = ARGV[i]
    break
  end
end
if not shortname or redis.call('HEXISTS', SPACES, id) == 1 then
  return refuse('BUSY')
end

redis.call('HSET', spaces, name, id)
redis.call('HSET', SHORTNAMES, shortname, id)
write_space(id, { owner = account, state = 'making', created = created, shortname = shortname, name = name })
return remember({ id, shortname, created, 0 })
