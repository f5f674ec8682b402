-- A space as a row for somebody who may see it: { id, name, shortname, created (ms), owner's name, letter }, or nil.
-- Spaces of accounts without the early-access flag are seen by nobody but, elsewhere, themselves.
--@include accounts/space_record
--@include access

local function visible_row(account, id)
  local space = read_space(id)
  if not space or space.state ~= 'ready' then
    return nil
  end
  local owner, flag = unpack(redis.call('HMGET', account_key(space.owner), 'name', 'spaces'))
  local letter = flag == '1' and access(account, space.owner, id)
  return letter and { id, space.name, space.shortname, space.created, owner, letter } or nil
end

local function append(rows, row)
  for _, value in ipairs(row or {}) do
    rows[#rows + 1] = value
  end
end
