-- The registry's record of a space, "<owner id> <state> <created ms> <shortname> <name>".
-- state: making (reserved, its tree is being made), ready, dying (dropped, its tree is being freed).

local function read_space(id)
  local packed = redis.call('HGET', SPACES, id)
  if not packed then
    return nil
  end
  local owner, state, created, shortname, name = string.match(packed, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
  return { owner = owner, state = state, created = created, shortname = shortname, name = name }
end

local function write_space(id, space)
  local fields = { space.owner, space.state, space.created, space.shortname, space.name }
  redis.call('HSET', SPACES, id, table.concat(fields, ' '))
end
