--[[
KEYS: 1 the account slot
ARGV: 1 account id, 2 what: 'groups' (of users and of organisations), 'orgs', 'invites' (both, still to be answered),
      'own' (the account's user groups), 'org' (the groups of one organisation)
      3 of 'org': its name
Result: { kind, owner's name, name, created (ms), the account's role or '', since (ms), … };
        nil where the account does not belong to the organisation
]]
--@include accounts/keys
--@include group

local account, what, org = ARGV[1], ARGV[2], ARGV[3]

local function ids()
  if what == 'own' then
    return redis.call('HVALS', group_names_key(account))
  end
  if what == 'org' then
    local id = redis.call('HGET', group_names_key('+'), org)
    return id and role_in(id, account) and redis.call('HVALS', group_names_key(id))
  end
  return redis.call('SMEMBERS', (what == 'invites' and account_invites_key or account_groups_key)(account))
end

local found = ids()
if not found then
  return nil
end
local rows = {}
for _, id in ipairs(found) do
  local group = read_group(id)
  local is_org = group.kind == '+'
  if what == 'invites' or is_org == (what == 'orgs') then
    local role, _, since = membership(id, account)
    for _, value in ipairs({ group.kind, owner_name(group), group.name, group.created, role or '', since or '0' }) do
      rows[#rows + 1] = value
    end
  end
end
return rows
