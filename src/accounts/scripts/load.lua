--[[
Who asks, and about which space: what every request needs, in one step.
KEYS: 1 the account slot
ARGV: 1 SHA-256 of the token in hex, or ''
      2 how the space is named: '' not at all, 'name', 'short'
      3 name of the owner, '' for the caller (by name only)
      4 name or shortname of the space
      5 id of the account that asks, where no token says so; ''
Result: the version of the account slot ('' none yet, or what was found holds for no version, only for now), and as JSON, which is cheaper to pass on than lists in lists: [caller, space]
      caller: false or [account row, token id, token name]
      space: false or [id, name, shortname, owner's account row, or false where that is the caller,
        what the caller may do there: 'o', 'w', 'r' or false]
]]
--@include keys
--@include space_record
--@include account_row
--@include sharing/access

local token_hash, addressing, owner_name, space_name = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local account = ARGV[5]

local function load_caller()
  if account ~= '' then
    local row = account_row(account)
    return row and { row, '', '' }
  end
  local packed = token_hash ~= '' and redis.call('HGET', TOKENS, token_hash)
  if not packed then
    return false
  end
  local account_id, token_id, token_name = string.match(packed, '^(%S+) (%S+) (.*)$')
  local row = account_row(account_id)
  if not row then
    return false
  end
  return { row, token_id, token_name }
end

local function find_space(caller)
  if addressing == 'short' then
    return redis.call('HGET', SHORTNAMES, space_name)
  end
  local owner = caller and caller[1][7]
  if owner_name ~= '' then
    owner = redis.call('HGET', NAMES, owner_name)
  end
  return owner and redis.call('HGET', account_spaces_key(owner), space_name)
end

local function load_space(caller)
  local id = addressing ~= '' and find_space(caller)
  local space = id and read_space(id)
  if not space or space.state ~= 'ready' then
    return false
  end
  local owner = false
  if not caller or caller[1][7] ~= space.owner then
    owner = account_row(space.owner)
    if not owner then
      return false
    end
  end
  local letter = caller and access(caller[1][7], space.owner, id)
  return { id, space.name, space.shortname, owner, letter }
end

local caller = load_caller()
local space = load_space(caller)
return { not ends and redis.call('GET', KEYS[1] .. ':v') or '', cjson.encode({ caller, space }) }
