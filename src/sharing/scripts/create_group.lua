--[[
Makes a group or an organisation; its maker is its founder.
KEYS: 1 the account slot
ARGV: 1 operation id, 2 seconds to keep its answer, 3 fingerprint
      4 account id of the maker, 5 kind ('@', '~', '+'), 6 name of the organisation, of kind '~', 7 name, 8 new id,
      9 now (ms)
Result: id
Errors: NOT_FOUND account | org; NOT_ALLOWED only who leads the organisation; EXISTS; BUSY the id is taken
]]
--@include accounts/keys
--@include accounts/once
--@include group

local account, kind, org, name, id, now = ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]

local kept = recall()
if kept then
  return kept
end
if redis.call('EXISTS', account_key(account)) == 0 then
  return refuse('NOT_FOUND', 'account')
end
local scope = kind == '@' and account or '+'
if kind == '~' then
  scope = redis.call('HGET', group_names_key('+'), org)
  if not scope or not membership(scope, account) then
    return refuse('NOT_FOUND', 'org')
  end
  if not leads(role_in(scope, account)) then
    return refuse('NOT_ALLOWED')
  end
end
if redis.call('HEXISTS', group_names_key(scope), name) == 1 then
  return refuse('EXISTS')
end
if redis.call('EXISTS', group_key(id)) == 1 then
  return refuse('BUSY')
end

redis.call('HSET', group_names_key(scope), name, id)
redis.call('HSET', group_key(id), 'kind', kind, 'scope', scope, 'name', name, 'created', now)
set_membership(id, account, 'f', 'a', now)
return remember(id)
