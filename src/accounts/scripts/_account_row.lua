-- An account as `decodeAccount` in records.ts reads it, or false.

local function account_row(id)
  local row = redis.call('HMGET', account_key(id), 'name', 'email', 'plan', 'spaces', 'public', 'created')
  if not row[1] then
    return false
  end
  row[7] = id
  return row
end
