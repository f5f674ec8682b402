-- What an account may do in a space: 'o' owns it, 'w' reads and writes its content, 'r' reads, false nothing.
-- Needs as many commands whatever the number of groups, members and shares: Redis intersects the account's groups with
-- the space's, and looks up the account's accepted invitations by what the space is and which of its owner's tags it has.
-- The worst case is somebody with many groups at a space with many, and none in common: 50 us with 1,000 each.
--@include accounts/now

-- Access was given that ends by itself, without any change that could be heard of.
local ends = false

local function invited_access(account, owner, space_id)
  local targets = { 's ' .. space_id }
  for _, tag in ipairs(redis.call('HKEYS', space_tags_key(space_id, owner))) do
    targets[#targets + 1] = 't ' .. owner .. ' ' .. tag
  end
  local best = false
  for _, ids in ipairs(redis.call('HMGET', account_joined_key(account), unpack(targets))) do
    for id in string.gmatch(ids or '', '%S+') do
      local permission, expires = unpack(redis.call('HMGET', invitation_key(id), 'permission', 'expires'))
      if permission and (expires == '' or tonumber(expires) > now_ms()) and best ~= 'w' then
        best = permission
        ends = ends or expires ~= ''
      end
    end
  end
  return best
end

local function access(account, owner, space_id)
  if account == owner then
    return 'o'
  end
  local groups = account_groups_key(account)
  local reads = redis.call('SINTERCARD', 2, groups, space_readers_key(space_id), 'LIMIT', 1) == 1
  if reads and redis.call('SINTERCARD', 2, groups, space_writers_key(space_id), 'LIMIT', 1) == 1 then
    return 'w'
  end
  local invited = invited_access(account, owner, space_id)
  if invited == 'w' then
    return 'w'
  end
  return reads and 'r' or invited
end
