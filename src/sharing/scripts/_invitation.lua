-- An invitation and everything that points to it.
--@include accounts/now
--@include accounts/space_record
--@include wake

local function read_invitation(id)
  local fields = redis.call('HMGET', invitation_key(id), 'owner', 'target', 'tag', 'folded_email', 'permission', 'expires',
    'accepted')
  if not fields[1] then
    return nil
  end
  return {
    id = id, owner = fields[1], target = fields[2], tag = fields[3], email = fields[4], permission = fields[5],
    expires = fields[6], accepted = fields[7],
  }
end

local function is_over(expires)
  return expires ~= '' and tonumber(expires) <= now_ms()
end

-- What the invitation is to, as people call it: the space by its name of today.
local function invitation_tag(target, tag)
  local space_id = string.match(target, '^s (%S+)$')
  local space = space_id and read_space(space_id)
  return space and space.name or tag
end

-- Adds or takes an id in a list of ids separated by spaces.
local function with_id(ids, id)
  return ids and (ids .. ' ' .. id) or id
end
local function without_id(ids, id)
  local left = {}
  for other in string.gmatch(ids or '', '%S+') do
    if other ~= id then
      left[#left + 1] = other
    end
  end
  return table.concat(left, ' ')
end

-- The spaces that an invitation to a target opens now.
local function invitation_spaces(target)
  local space_id = string.match(target, '^s (%S+)$')
  if space_id then
    return { space_id }
  end
  local owner, tag = string.match(target, '^t (%S+) (%S+)$')
  local spaces = {}
  for _, id in ipairs(redis.call('HVALS', account_spaces_key(owner))) do
    if redis.call('HEXISTS', space_tags_key(id, owner), tag) == 1 then
      spaces[#spaces + 1] = id
    end
  end
  return spaces
end

local function remove_invitation(id)
  local fields = redis.call('HMGET', invitation_key(id), 'owner', 'target', 'folded_email', 'token', 'accepted')
  local owner, target, email, token, accepted = unpack(fields)
  if not owner then
    return
  end
  redis.call('HDEL', INVITATIONS, token)
  redis.call('HDEL', account_invitations_key(owner), target .. ' ' .. email)
  redis.call('SREM', email_invitations_key(email), id)
  local space_id = string.match(target, '^s (%S+)$')
  if space_id then
    redis.call('SREM', space_invitations_key(space_id), id)
  end
  if accepted ~= '' then
    local joined = account_joined_key(accepted)
    local left = without_id(redis.call('HGET', joined, target), id)
    if left == '' then
      redis.call('HDEL', joined, target)
    else
      redis.call('HSET', joined, target, left)
    end
  end
  redis.call('DEL', invitation_key(id))
  wake(invitation_spaces(target))
end
