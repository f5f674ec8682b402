-- Groups and organisations, and who is what in them.

-- kind '@': `owner` is an account's name; '~': an organisation's; '+': owner is ''.
local function find_group(kind, owner, name)
  local scope = '+'
  if kind == '@' then
    scope = redis.call('HGET', NAMES, owner)
  elseif kind == '~' then
    scope = redis.call('HGET', group_names_key('+'), owner)
  end
  local id = scope and redis.call('HGET', group_names_key(scope), name)
  return id and { id = id, kind = kind, scope = scope, name = name } or nil
end

local function read_group(id)
  local kind, scope, name, created = unpack(redis.call('HMGET', group_key(id), 'kind', 'scope', 'name', 'created'))
  return kind and { id = id, kind = kind, scope = scope, name = name, created = created } or nil
end

-- The name of the account or organisation that a group belongs to; '' for organisations.
local function owner_name(group)
  if group.kind == '+' then
    return ''
  end
  return redis.call('HGET', (group.kind == '@' and account_key or group_key)(group.scope), 'name')
end

-- Role and state, or nil.
local function membership(group_id, account)
  local packed = redis.call('HGET', group_members_key(group_id), account)
  if packed then
    return string.match(packed, '^(%a) (%a) (%S+)$')
  end
end

local function set_membership(group_id, account, role, state, since)
  redis.call('HSET', group_members_key(group_id), account, table.concat({ role, state, since }, ' '))
  local groups, invites = account_groups_key(account), account_invites_key(account)
  redis.call('SREM', state == 'a' and invites or groups, group_id)
  redis.call('SADD', state == 'a' and groups or invites, group_id)
end

-- The role of an accepted member, or nil.
local function role_in(group_id, account)
  local role, state = membership(group_id, account)
  return state == 'a' and role or nil
end

-- As what the account may act in the group. Who leads an organisation leads its groups.
local function authority(group, account)
  local role = role_in(group.id, account)
  if group.kind ~= '~' or role == 'f' then
    return role
  end
  local above = role_in(group.scope, account)
  if above == 'f' or (above == 'a' and role ~= 'f') then
    return above
  end
  return role
end

local function leads(role)
  return role == 'f' or role == 'a'
end

local function is_last_founder(group_id, account)
  local others = 0
  local members = redis.call('HGETALL', group_members_key(group_id))
  for i = 1, #members, 2 do
    if members[i] ~= account and string.sub(members[i + 1], 1, 3) == 'f a' then
      others = others + 1
    end
  end
  return others == 0
end
