-- The `public` file of a profile and the account's flag say the same thing.

local function set_public(id, flag, now)
  redis.call('HSET', account_key(id), 'public', flag)
  redis.call('HSET', account_profile_key(id), 'public', now .. (flag == '1' and ' yes' or ' no'))
end
