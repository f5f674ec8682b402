--[[
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 space id, 6 tag, 7 most tags of an account on a space, 8 now (ms)
Result: 1 created, 0 it was there
Errors: NOT_FOUND space; NOT_ALLOWED only the owner gives categories; BAD_REQUEST too many tags
]]
--@include accounts/keys
--@include accounts/once
--@include accounts/space_record
--@include access
--@include tag

local account, space_id, tag, most, now = ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8]

local kept = recall()
if kept then
  return kept
end
local space = read_space(space_id)
local letter = space and space.state == 'ready' and access(account, space.owner, space_id)
if not letter then
  return refuse('NOT_FOUND')
end
if string.sub(tag, 1, 1) == '=' and letter ~= 'o' then
  return refuse('NOT_ALLOWED')
end
local tags = space_tags_key(space_id, account)
if redis.call('HEXISTS', tags, tag) == 1 then
  return remember(0)
end
if redis.call('HLEN', tags) >= most then
  return refuse('BAD_REQUEST')
end
set_tag(account, space_id, tag, now)
return remember(1)
