--@allow-oom
--[[
A tag goes; with one of the owner's, the access of those who were invited to it.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id, 5 space id, 6 tag
Result: 1
Errors: NOT_FOUND space | tag; NOT_ALLOWED a category of the owner's
]]
--@include accounts/keys
--@include accounts/once
--@include accounts/space_record
--@include access
--@include tag
--@include wake

local account, space_id, tag = ARGV[4], ARGV[5], ARGV[6]

local kept = recall()
if kept then
  return kept
end
local space = read_space(space_id)
local letter = space and space.state == 'ready' and access(account, space.owner, space_id)
if not letter then
  return refuse('NOT_FOUND', 'space')
end
if redis.call('HEXISTS', space_tags_key(space_id, account), tag) == 0 then
  local is_category = string.sub(tag, 1, 1) == '=' and redis.call('HEXISTS', space_tags_key(space_id, space.owner), tag)
  return refuse(is_category == 1 and 'NOT_ALLOWED' or 'NOT_FOUND', 'tag')
end
clear_tag(account, space_id, tag)
if letter == 'o' then
  wake({ space_id })
end
return remember(1)
