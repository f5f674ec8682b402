--[[
With whom a space is shared: to its owner all, to others through which groups they see it.
KEYS: 1 the account slot
ARGV: 1 account id, 2 space id
Result: { kind or 'public', owner's name, name, letters as they were put, created (ms), … }; nil without access
]]
--@include accounts/keys
--@include accounts/space_record
--@include access
--@include group

local account, space_id = ARGV[1], ARGV[2]

local space = read_space(space_id)
local letter = space and space.state == 'ready' and access(account, space.owner, space_id)
if not letter then
  return nil
end
local grants, rows = redis.call('HGETALL', space_grants_key(space_id)), {}
for i = 1, #grants, 2 do
  local id = grants[i]
  local created, letters = string.match(grants[i + 1], '^(%S+) (%S+)$')
  local row
  if id == 'public' then
    row = letter == 'o' and { 'public', '', '', letters, created }
  elseif letter == 'o' or role_in(id, account) then
    local group = read_group(id)
    row = { group.kind, owner_name(group), group.name, letters, created }
  end
  for _, value in ipairs(row or {}) do
    rows[#rows + 1] = value
  end
end
return rows
