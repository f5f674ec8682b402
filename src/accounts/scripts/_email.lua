-- An account's address and the index of addresses say the same thing.

local function claim_email(id, email, folded)
  redis.call('HSET', account_key(id), 'email', email, 'folded_email', folded)
  if folded ~= '' then
    redis.call('HSET', EMAILS, folded, id)
  end
end

local function release_email(id)
  local folded = redis.call('HGET', account_key(id), 'folded_email')
  if folded and folded ~= '' then
    redis.call('HDEL', EMAILS, folded)
  end
end
