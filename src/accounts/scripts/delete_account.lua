--@allow-oom
--[[
Everything of the account goes at once, except the trees of its spaces: those are dying, whoever sees that frees them.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account name
Result: { account id, space ids to free … }
Errors: NOT_FOUND
]]
--@include keys
--@include once
--@include bury_space
--@include email
--@include sharing/leave_all

local name = ARGV[4]

local kept = recall()
if kept then
  return kept
end
local id = redis.call('HGET', NAMES, name)
if not id then
  return refuse('NOT_FOUND')
end

local answer = { id }
for _, space_id in ipairs(redis.call('HVALS', account_spaces_key(id))) do
  bury_space(space_id, read_space(space_id))
  answer[#answer + 1] = space_id
end
for _, packed in ipairs(redis.call('HVALS', account_tokens_key(id))) do
  redis.call('HDEL', TOKENS, (string.match(packed, '^%S+ %S+ (%S+)')))
end
leave_all(id)
release_email(id)
redis.call('HDEL', NAMES, name)
redis.call('HDEL', PASSWORDS, id)
redis.call('DEL', account_key(id), account_tokens_key(id), account_spaces_key(id), account_profile_key(id))
wake({ id })
return remember(answer)
